import { join, resolve } from 'node:path';
import { toAppError } from '@gapless/shared/errors';
import type { Disk } from '@gapless/shared/fs';
import type { Random, VehicleId } from '@gapless/shared/ids';
import type { StepHook } from '@gapless/shared/lifecycle';
import { Disposal } from '@gapless/shared/lifecycle';
import type { Log } from '@gapless/shared/log';
import type { Change } from '@gapless/shared/protocol';
import type { Clock } from '@gapless/shared/time';
import { formatUtc, SECOND_MS } from '@gapless/shared/time';
import type { Api } from './api/index.js';
import { buildApi, listen, readTls, urlOf } from './api/index.js';
import { Enrolment, ensureAdminToken, findToken, loadCentralKeys, MediaLinks } from './auth/index.js';
import type { CentralKeys } from './auth/index.js';
import { Completion } from './complete/index.js';
import type { CentralConfig } from './config.js';
import { CentralMetrics } from './events.js';
import type { AgentSession } from './link/index.js';
import { AgentLink, AgentSocketServer, spreadMsOf, VehicleAsker, VehicleDialogue } from './link/index.js';
import { Merger, placeArtifact } from './merge/index.js';
import type { Berth } from './receive/index.js';
import { LiveReceiver } from './receive/index.js';
import type { Vehicle } from './store/index.js';
import { Retention } from './retain/index.js';
import { Assemblies, DataLayout, MediaUse, missingBytes, prepareDataDir, Store } from './store/index.js';
import type { Loss } from './timeline/index.js';
import { applyChanges, beginNewEpoch, lossesOf, settleEpoch } from './timeline/index.js';
import { Uploads } from './uploads.js';
import { proveSegment } from './verify/index.js';

export interface CentralOptions {
  readonly config: CentralConfig;
  readonly version: string;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly step: StepHook;
}

/** Where a running central is reached. */
export interface Listening {
  /** `http://127.0.0.1:8080` */
  readonly http: string;
  /** `127.0.0.1:2022`, or the URL of the server outside. */
  readonly sftp: string;
}

/** The path on which vehicles open their link. */
const LINK_PATH = '/agent/v1';

/** Central as a whole. The only place where its stages are put together. */
export class Central implements AsyncDisposable {
  readonly #options: CentralOptions;
  readonly #owned = new Disposal();
  readonly #layout: DataLayout;
  readonly #store: Store;
  readonly #mediaLinks: MediaLinks;
  readonly #metrics: CentralMetrics;
  readonly #assemblies: Assemblies;
  readonly #mediaUse = new MediaUse();
  readonly #retention: Retention;
  readonly #uploads: Uploads;
  readonly #merger: Merger;
  readonly #completion: Completion<Berth>;
  readonly #enrolment: Enrolment;
  readonly #link: AgentLink;
  readonly #asker: VehicleAsker;
  readonly #dialogues = new Map<number, VehicleDialogue>();
  #api: Api | undefined;

  private constructor(
    options: CentralOptions,
    made: { layout: DataLayout; store: Store; keys: CentralKeys; mediaLinks: MediaLinks },
  ) {
    const { config, disk, clock, random, log, step, version } = options;
    const { layout, store, keys } = made;
    this.#options = options;
    this.#layout = layout;
    this.#store = this.#owned.use(store);
    this.#mediaLinks = made.mediaLinks;
    this.#assemblies = this.#owned.use(new Assemblies(disk, layout));
    this.#metrics = new CentralMetrics({
      version,
      connected: () => this.#link.count,
      quarantined: () => store.read.quarantine.count(),
    });
    this.#uploads = new Uploads({
      config: config.sftp,
      ...{ store, layout, keys, disk, clock },
      log: log.child({ stage: 'sftp' }),
      onClosed: (sizeBytes) => this.#metrics.fetchedBytes.inc(sizeBytes),
    });
    const { inbox } = this.#uploads;
    this.#retention = this.#owned.use(
      new Retention({
        store,
        assemblies: this.#assemblies,
        layout,
        disk,
        clock,
        step,
        log: log.child({ stage: 'retain' }),
        bounds: { maxAgeMs: config.retention.maxAge, maxBytes: config.retention.maxSize },
        use: this.#mediaUse,
      }),
    );
    this.#merger = new Merger({
      store,
      assemblies: this.#assemblies,
      layout,
      disk,
      clock,
      step,
      log: log.child({ stage: 'merge' }),
      prove: async (assembly, object, vehicleId) => {
        const vehicle = store.read.vehicles.byId(vehicleId)!;
        const expected = {
          ...object,
          ...object.expected!,
          vehicle: vehicle.name,
          evidenceKey: vehicle.evidenceKey,
        };
        return proveSegment(await assembly.open(), await assembly.sha256(expected.sizeBytes), expected);
      },
      onVerified: (vehicleId) => {
        this.#metrics.segmentsVerified.inc();
        this.#dialogues.get(vehicleId)?.sendReceipts();
        this.#completion.wake(vehicleId);
        this.#retention.wake();
      },
      onQuarantined: (vehicleId, object, why) => {
        this.#metrics.segmentsQuarantined.inc({ code: why.code });
        void this.#completion.askIncomplete(vehicleId, [object.id]);
      },
    });
    this.#completion = this.#owned.use(
      new Completion<Berth>({
        store,
        clock,
        random,
        step,
        log: log.child({ stage: 'complete' }),
        online: config.completion.online.enabled,
        endpoint: () => this.#uploads.endpoint(),
        inbox: {
          open: (vehicle, transfer, manifest) => inbox.open(vehicle, transfer, manifest),
          prove: (vehicle, berth, manifest) => inbox.prove(vehicle, berth, manifest),
          close: (vehicle, berth) => inbox.close(vehicle, berth),
          quarantine: (vehicle, berth, name) => inbox.quarantine(vehicle, berth, layout.quarantine(name)),
        },
        place: (artifact, target) => placeArtifact({ disk, assemblies: this.#assemblies }, artifact, target),
        isPlaced: async (vehicle, object) => {
          const { path } = this.#assemblies.of(vehicle, object);
          return (await disk.sizeBytes(path)) === object.expected?.sizeBytes;
        },
        settle: (objectId) => this.#merger.settle(objectId),
        sweep: (vehicle) => this.#uploads.sweep(vehicle),
        notKept: (lensId, window) => this.#retention.notKept(lensId, window),
        applyHeld: (tables, vehicleId, held) => {
          const changes: Change[] = [
            ...held.segments.map((row) => ({ kind: 'segment' as const, seq: 1, row })),
            ...held.tombstones.map((row) => ({ kind: 'tombstone' as const, seq: 1, row })),
            ...held.absences.map((row) => ({ kind: 'absence' as const, seq: 1, row })),
          ];
          this.#tellLost(tables.vehicles.byId(vehicleId)!.name, lossesOf(tables, vehicleId, changes));
          applyChanges(tables, vehicleId, changes);
        },
      }),
    );
    this.#enrolment = new Enrolment({
      store,
      keys,
      clock,
      random,
      hostKeyFingerprints: () => this.#uploads.hostKeys(),
      onKeysVoid: (vehicle) => {
        this.#link.disconnect(vehicle);
        this.#uploads.keyChanged(vehicle);
      },
    });
    this.#link = new AgentLink({
      store,
      clock,
      random,
      version,
      log: log.child({ stage: 'link' }),
      sign: (bytes) => keys.sign(bytes),
      hostKeyFingerprints: () => this.#uploads.hostKeys(),
      onNewEpoch: beginNewEpoch,
      onConflict: (vehicle) => this.#uploads.keyChanged(vehicle),
      attach: (session, vehicle) => this.#attach(session, vehicle),
    });
    this.#asker = new VehicleAsker({ clock, random, session: (vehicle) => this.#link.session(vehicle) });
  }

  /**
   * Starts central.
   *
   * @throws STORAGE_UNWRITABLE, ADDRESS_IN_USE, DATABASE_*, SECRET_EXPOSED, KEY_UNREADABLE, CONFIG_INVALID
   */
  static async start(options: CentralOptions): Promise<Central> {
    const { config, disk, clock, random } = options;
    const layout = new DataLayout(resolve(config.dataDir));
    await prepareDataDir(layout);
    const keys = await loadCentralKeys(disk, layout.keysDir);
    const mediaLinks = await MediaLinks.load({ disk, clock, random }, layout.keysDir);
    const central = new Central(options, {
      layout,
      store: Store.open(layout.dataDir, clock),
      keys,
      mediaLinks,
    });
    try {
      await central.#begin();
      return central;
    } catch (thrown) {
      await central[Symbol.asyncDispose]();
      throw thrown;
    }
  }

  get listening(): Listening {
    const { http } = this.#options.config;
    return { http: urlOf(this.#api!, http.tls ? 'https' : 'http'), sftp: this.#uploads.address };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#link.closeAll();
    await this.#api?.close();
    await this.#uploads[Symbol.asyncDispose]();
    await this.#owned[Symbol.asyncDispose]();
  }

  async #begin(): Promise<void> {
    const { disk, clock, random, log } = this.#options;
    if (await ensureAdminToken({ store: this.#store, disk, clock, random }, this.#layout.dataDir)) {
      log.info({ file: join(this.#layout.dataDir, 'admin-token') }, 'first administrator token made');
    }
    await this.#uploads.start();
    await this.#retention.start();
    await this.#startApi();
    await this.#settleAll();
  }

  async #startApi(): Promise<void> {
    const { config, version, clock, random, log } = this.#options;
    const { tls } = config.http;
    this.#api = await buildApi(
      {
        store: this.#store,
        layout: this.#layout,
        completion: this.#completion,
        enrolment: this.#enrolment,
        mediaLinks: this.#mediaLinks,
        mediaUse: this.#mediaUse,
        findToken: (plain) => findToken(this.#store, plain),
        ask: (vehicle, operation, input) => this.#asker.ask(vehicle, operation, input),
        isConnected: (vehicle) => this.#link.session(vehicle as VehicleId) !== undefined,
        readiness: () => ({
          database: this.#checkDatabase(),
          sftp: this.#uploads.trouble,
        }),
        metrics: async () => ({
          contentType: this.#metrics.registry.contentType,
          text: await this.#metrics.registry.metrics(),
        }),
        timeZone: config.timeZone,
        version,
        clock,
        random,
        log: log.child({ stage: 'api' }),
      },
      { tls: tls && (await readTls(tls)) },
    );
    const sockets = new AgentSocketServer();
    await listen(this.#api, config.http.listen, {
      [LINK_PATH]: (request, carrier, head) =>
        sockets.upgrade(request, carrier, { head, accept: (socket) => this.#link.accept(socket) }),
    });
  }

  /** Finishes what a crash interrupted between the last byte and the receipt. */
  async #settleAll(): Promise<void> {
    for (const vehicle of this.#store.read.vehicles.all()) {
      for (const object of this.#store.read.objects.receiving(vehicle.id)) {
        if (
          object.expected &&
          missingBytes(this.#store.read.pieces.of(object.id), object.expected.sizeBytes).length === 0
        )
          this.#settle(object.id);
      }
    }
  }

  #settle(objectId: number): void {
    this.#merger.settle(objectId).catch((thrown: unknown) => {
      this.#options.log.error({ err: toAppError(thrown), objectId }, 'segment could not be settled');
    });
  }

  /** Puts together what an admitted session does. */
  #attach(session: AgentSession, vehicle: Vehicle): VehicleDialogue {
    const receive = new LiveReceiver({
      store: this.#store,
      assemblies: this.#assemblies,
      vehicle: vehicle.name,
      vehicleId: vehicle.id,
      acknowledge: (bytes) => session.send({ type: 'live-ack', bytes }),
      onPiece: (objectId, bytes) => {
        this.#metrics.liveBytes.inc(bytes);
        this.#settle(objectId);
      },
      onFailure: (error) => session.fail(error),
      onPassed: (objectId) => void this.#completion.askIncomplete(vehicle.id, [objectId]),
    });
    const dialogue = new VehicleDialogue(
      {
        store: this.#store,
        clock: this.#options.clock,
        applyChanges,
        lossesOf,
        onLost: (losses) => this.#tellLost(vehicle.name, losses),
        settleEpoch,
        planOnline: (tables, closed, flowing) => this.#completion.planOnline(tables, closed, flowing),
        askLater: (vehicleId, objectIds) => this.#completion.askLater(vehicleId, objectIds),
        wake: (vehicleId) => this.#completion.wake(vehicleId),
        settle: (objectId) => this.#settle(objectId),
        deliver: (vehicleId, reply) => this.#completion.deliver(vehicleId, reply),
        spreadMs: () => spreadMsOf(this.#link.count),
        answered: (answer) => this.#asker.answered(session, answer),
        receive,
      },
      session,
      vehicle,
    );
    this.#dialogues.set(vehicle.id, dialogue);
    session.signal.addEventListener(
      'abort',
      () => {
        if (this.#dialogues.get(vehicle.id) === dialogue) this.#dialogues.delete(vehicle.id);
      },
      { once: true },
    );
    this.#completion.attach({
      vehicle: vehicle.name,
      vehicleId: vehicle.id,
      signal: session.signal,
      send: (message) => session.send(message),
    });
    dialogue.sendReceipts();
    void this.#completion.askIncomplete(vehicle.id);
    return dialogue;
  }

  /** Lost footage is what all of this is to prevent, so people hear of it. */
  #tellLost(vehicle: VehicleId, losses: readonly Loss[]): void {
    for (const { lens, reason, ranges } of losses) {
      const { startMs, endMs } = ranges.hull!;
      const seconds = ranges.totalMs / SECOND_MS;
      this.#metrics.footageLost.inc({ reason }, seconds);
      this.#options.log.warn(
        { vehicle, lens, reason, seconds, from: formatUtc(startMs), to: formatUtc(endMs) },
        'footage lost: the vehicle deleted it before it was verified here',
      );
    }
  }

  #checkDatabase(): string | undefined {
    try {
      this.#store.read.vehicles.byId(0);
      return undefined;
    } catch (thrown) {
      return toAppError(thrown).message;
    }
  }
}
