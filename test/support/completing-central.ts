import { AppError, cancelled } from '@gapless/shared/errors';
import { RangeSet } from '@gapless/shared/interval';
import type { AgentMessage, CentralMessage } from '@gapless/shared/protocol';
import { Completion } from '../../packages/central/src/complete/index.js';
import type { AgentSession } from '../../packages/central/src/link/index.js';
import { VehicleDialogue } from '../../packages/central/src/link/index.js';
import type { Merger } from '../../packages/central/src/merge/index.js';
import { placeArtifact } from '../../packages/central/src/merge/index.js';
import type { Berth } from '../../packages/central/src/receive/index.js';
import { Inbox } from '../../packages/central/src/receive/index.js';
import type { Lens, Vehicle } from '../../packages/central/src/store/index.js';
import { applyChanges, settleEpoch } from '../../packages/central/src/timeline/index.js';
import type { CentralKit } from './central-kit.js';
import { turns } from './central-kit.js';
import type { ScriptedVehicle } from './scripted-vehicle.js';

/**
 * Central's completion, wired as in the daemon, with one scripted vehicle instead of a network. What is proven of a file is
 * its hash alone: its content is noise.
 */
export class CompletingCentral {
  readonly #kit: CentralKit;
  readonly #vehicle: Vehicle;
  readonly #agent: ScriptedVehicle;
  readonly #notKept: (lensId: number) => RangeSet;
  readonly inbox: Inbox;
  readonly merger: Merger;
  readonly completion: Completion<Berth>;
  #session: AbortController | undefined;
  #dialogue: VehicleDialogue | undefined;

  constructor(
    kit: CentralKit,
    vehicle: Vehicle,
    agent: ScriptedVehicle,
    notKept: (lensId: number) => RangeSet = () => RangeSet.empty,
  ) {
    this.#kit = kit;
    this.#vehicle = vehicle;
    this.#agent = agent;
    this.#notKept = notKept;
    const { store, clock, random, log, disk, layout, assemblies } = kit;
    this.inbox = new Inbox({
      store: store.read,
      disk,
      inboxDir: layout.inboxDir,
      pathPrefix: () => '',
      isShared: false,
      server: () => undefined,
    });
    this.merger = kit.merger({
      prove: async (assembly, object) => {
        const { sizeBytes, sha256 } = object.expected!;
        const file = await assembly.open();
        if ((await file.sizeBytes()) !== sizeBytes || (await assembly.sha256(sizeBytes)) !== sha256)
          throw new AppError('VERIFY_CHECKSUM_MISMATCH', 'not what the vehicle says');
        const { startMs, endMs } = object;
        return {
          identity: { startMs, startTicks: 0, timescale: 1_000, ppm: 0 },
          fragments: [
            {
              number: 1,
              offset: 0,
              sizeBytes,
              startTicks: 0,
              durationTicks: endMs - startMs,
              startsWithSync: true,
            },
          ],
          startMs,
          endMs,
          coverage: RangeSet.of({ startMs, endMs }),
        };
      },
      onVerified: (vehicleId) => {
        this.#dialogue?.sendReceipts();
        this.completion.wake(vehicleId);
      },
      onQuarantined: (vehicleId, object) => void this.completion.askIncomplete(vehicleId, [object.id]),
    });
    this.completion = new Completion<Berth>({
      store,
      clock,
      random,
      log,
      step: () => undefined,
      online: true,
      endpoint: () => ({ host: '', port: 1, hostKeys: [] }),
      inbox: {
        open: (name, transfer, manifest) => this.inbox.open(name, transfer, manifest),
        prove: (name, berth, manifest) => this.inbox.prove(name, berth, manifest),
        close: (name, berth) => this.inbox.close(name, berth),
        quarantine: (name, berth, to) => this.inbox.quarantine(name, berth, layout.quarantine(to)),
      },
      place: (artifact, target) => placeArtifact({ disk, assemblies }, artifact, target),
      isPlaced: async (name, object) =>
        (await disk.sizeBytes(assemblies.of(name, object).path)) === object.expected?.sizeBytes,
      settle: (objectId) => this.merger.settle(objectId),
      sweep: (name) => this.inbox.sweep(name),
      notKept: (lensId) => this.#notKept(lensId),
      applyHeld: (tables, vehicleId, held) => {
        applyChanges(
          tables,
          vehicleId,
          held.segments.map((row) => ({ kind: 'segment', seq: 1, row })),
        );
      },
    });
  }

  /** The vehicle connects, tells its catalogue, and is asked for what is missing. */
  async connect(): Promise<void> {
    this.disconnect();
    const { store, clock } = this.#kit;
    const session = new AbortController();
    this.#session = session;
    const { id: vehicleId, name } = this.#vehicle;
    const send = (message: object): void => {
      if (session.signal.aborted) return;
      // What is said arrives later, as over any network.
      setImmediate(() => {
        if (!session.signal.aborted) void this.#agent.hear(message as CentralMessage);
      });
    };
    const dialogue = new VehicleDialogue(
      {
        store,
        clock,
        applyChanges,
        lossesOf: () => [],
        onLost: () => undefined,
        settleEpoch,
        planOnline: (tables, closed, flowing) => this.completion.planOnline(tables, closed, flowing),
        askLater: (id, objectIds) => this.completion.askLater(id, objectIds),
        wake: (id) => this.completion.wake(id),
        settle: (objectId) => void this.merger.settle(objectId),
        deliver: (id, reply) => this.completion.deliver(id, reply),
        answered: () => undefined,
        spreadMs: () => 0,
        receive: { take: async () => undefined, hasSeen: () => false },
      },
      { send, fail: () => undefined } as unknown as AgentSession,
      this.#vehicle,
    );
    this.#dialogue = dialogue;
    this.#agent.line = {
      say: (message) => {
        if (!session.signal.aborted) void this.hear(message);
      },
      fileOf: (path) => this.inbox.target(name, path)?.file,
    };
    this.completion.attach({ vehicle: name, vehicleId, signal: session.signal, send });
    await this.tell();
    void this.completion.askIncomplete(vehicleId);
  }

  async hear(message: AgentMessage): Promise<void> {
    await this.#dialogue?.message(message);
  }

  /** The vehicle tells what is new in its catalogue. */
  async tell(): Promise<void> {
    const afterSeq = this.#kit.store.read.vehicles.byId(this.#vehicle.id)!.catalogueSeq;
    const changes = this.#agent.changes.slice(afterSeq);
    await this.hear({
      type: 'catalogue',
      afterSeq,
      throughSeq: this.#agent.changes.length,
      complete: true,
      changes,
    });
  }

  disconnect(): void {
    this.#session?.abort(cancelled('the link was cut'));
    this.#session = undefined;
    this.#dialogue = undefined;
    this.#agent.line = undefined;
  }

  /** As at the end of the process: nothing that was on its way ends well. */
  async stop(): Promise<void> {
    this.disconnect();
    this.completion[Symbol.dispose]();
    await turns(20);
  }

  /** Finishes what a crash interrupted, as a start does. */
  async start(lens: Lens): Promise<void> {
    await this.inbox.sweep(lens.vehicle);
    for (const object of this.#kit.store.read.objects.receiving(this.#vehicle.id))
      await this.merger.settle(object.id);
  }
}
