import { HOUR_MS, SECOND_MS } from '@gapless/shared/time';
import type { Lens, Vehicle } from '../../packages/central/src/store/index.js';
import { timelineOf } from '../../packages/central/src/timeline/index.js';
import { CentralKit } from './central-kit.js';
import { CompletingCentral } from './completing-central.js';
import { at, ORIGIN_MS } from './drawn-timeline.js';
import { ScriptedVehicle } from './scripted-vehicle.js';
import { WatchedDisk } from './watched-disk.js';

const RUN = '20260101T000000000Z-3fa9c1';
const SEGMENT_S = 10;
/** Of every segment. */
export const SIZE_BYTES = 1_000;

/** A vehicle that was recorded from, and a central that completes from it. */
export class Scene implements AsyncDisposable {
  readonly kit: CentralKit;
  readonly vehicle: Vehicle;
  readonly lens: Lens;
  readonly agent: ScriptedVehicle;
  readonly watched: WatchedDisk;
  central: CompletingCentral;

  private constructor(kit: CentralKit, vehicle: Vehicle, lens: Lens, watched: WatchedDisk) {
    this.kit = kit;
    this.watched = watched;
    this.vehicle = vehicle;
    this.lens = lens;
    this.agent = new ScriptedVehicle(lens, RUN, kit.random, (work) => watched.during(work));
    this.central = new CompletingCentral(kit, vehicle, this.agent);
  }

  static async create(): Promise<Scene> {
    const kit = await CentralKit.create(ORIGIN_MS + HOUR_MS);
    const vehicle = await kit.enrol();
    const lens = await kit.lens(vehicle);
    const watched = new WatchedDisk();
    kit.disk = watched.disk;
    await kit.restart();
    return new Scene(kit, vehicle, lens, watched);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.central.stop();
    await this.watched.quiet();
    await this.kit[Symbol.asyncDispose]();
  }

  record(seq: number): void {
    this.agent.record(seq, at(seq * SEGMENT_S), at((seq + 1) * SEGMENT_S), SIZE_BYTES);
  }

  /** Some bytes of a segment come live, before the vehicle has closed it. */
  async stream(seq: number, parts: readonly (readonly [number, number])[]): Promise<void> {
    const { row, bytes } = this.agent.held.get(seq)!;
    const { lens, kit } = this;
    const object = await kit.store.write((tables) => {
      const run = tables.lenses.ensureRun(lens.id, row.run);
      const id = tables.objects.ensure({ lensId: lens.id, runId: run.id, ...row });
      return tables.objects.byId(id)!;
    });
    if (object.state !== 'receiving') return;
    for (const [from, to] of parts) {
      await kit.assemblies.of(lens.vehicle, object).write(bytes.subarray(from, to), from);
      await kit.store.write((tables) => tables.pieces.add(object.id, { source: 'live', from, to }));
    }
  }

  /** The process ends and starts again. */
  async restart(): Promise<void> {
    await this.central.stop();
    await this.watched.quiet();
    await this.kit.restart();
    this.central = new CompletingCentral(this.kit, this.vehicle, this.agent);
    await this.central.start(this.lens);
  }

  /** Time passes until nothing moves any more. */
  async settle(): Promise<void> {
    await this.central.tell();
    await this.watched.quiet();
    for (let i = 0; i < 200 && this.active() > 0; i++) await this.pass(30 * SECOND_MS, 5 * SECOND_MS);
    this.kit.store.flush();
  }

  pass(durationMs: number, stepMs = SECOND_MS): Promise<void> {
    return this.watched.pass(this.kit.clock, durationMs, stepMs);
  }

  active(): number {
    this.kit.store.flush();
    return this.kit.store.read.requests.active(this.vehicle.id).length;
  }

  /** The state of each segment, in order. */
  states(count: number): string[] {
    const window = { startMs: at(0), endMs: at(count * SEGMENT_S) };
    const runs = timelineOf(this.kit.store.read, this.kit.fresh(this.lens), window, this.kit.clock.nowMs());
    return Array.from({ length: count }, (_, seq) => {
      const within = runs.filter(
        (run) => run.startMs < at((seq + 1) * SEGMENT_S) && at(seq * SEGMENT_S) < run.endMs,
      );
      return within.map(({ state, reason }) => [state, reason].filter(Boolean).join(' ')).join(' + ');
    });
  }
}
