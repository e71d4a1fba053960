import { dirname } from 'node:path';
import { AppError, toAppError } from '@gapless/shared/errors';
import type { Disk } from '@gapless/shared/fs';
import { publishFile } from '@gapless/shared/fs';
import type { VehicleId } from '@gapless/shared/ids';
import { segmentId } from '@gapless/shared/ids';
import { RangeSet } from '@gapless/shared/interval';
import type { FragmentEntry } from '@gapless/shared/isobmff';
import { encodeFragmentTable, wallMs } from '@gapless/shared/isobmff';
import type { SegmentClock } from '@gapless/shared/isobmff';
import type { StepHook } from '@gapless/shared/lifecycle';
import { Serial } from '@gapless/shared/lifecycle';
import type { Log } from '@gapless/shared/log';
import type { Clock, EpochMs } from '@gapless/shared/time';
import type { Assemblies, Assembly } from '../store/assemblies.js';
import type { DataLayout } from '../store/layout.js';
import { mediaPath } from '../store/layout.js';
import type { StoredObject } from '../store/objects.js';
import type { Piece } from '../store/pieces.js';
import { missingBytes } from '../store/pieces.js';
import type { Store, StoreWriter } from '../store/store.js';

/** What a complete file turned out to be; see `verify/prove-segment.ts`. */
export interface Proven {
  readonly identity: SegmentClock;
  readonly fragments: readonly FragmentEntry[];
  readonly startMs: EpochMs;
  readonly endMs: EpochMs;
  readonly coverage: RangeSet;
}

export interface MergerPort {
  readonly store: Store;
  readonly assemblies: Assemblies;
  readonly layout: DataLayout;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly step: StepHook;
  readonly log: Log;
  /** Proves the object's file; throws `data-loss` when it is not what the vehicle says. */
  readonly prove: (assembly: Assembly, object: StoredObject, vehicleId: number) => Promise<Proven>;
  /** A receipt for the vehicle is in the store. */
  readonly onVerified: (vehicleId: number, object: StoredObject) => void;
  /** The file was not what the vehicle says; everything of it must come again. */
  readonly onQuarantined: (vehicleId: number, object: StoredObject, why: AppError) => void;
}

/** What came of trying to finish an object. */
export type Settlement = 'incomplete' | 'verified' | 'quarantined';

/**
 * Turns a complete assembly into a verified object. The numbered order is the one of `docs/design/durability.md`: the
 * row that leads to a receipt is committed only when file and directory are on stable storage.
 */
export class Merger {
  readonly #port: MergerPort;
  /** One object at a time each, so that the last piece and the catalogue may both set it off. */
  readonly #queues = new Map<number, Serial>();

  constructor(port: MergerPort) {
    this.#port = port;
  }

  /** Verifies and publishes an object if all of it is there. Doing so again changes nothing. */
  async settle(objectId: number): Promise<Settlement> {
    const queue = this.#queues.get(objectId) ?? new Serial();
    this.#queues.set(objectId, queue);
    try {
      return await queue.run(() => this.#settle(objectId));
    } finally {
      if (queue.isIdle) this.#queues.delete(objectId);
    }
  }

  async #settle(objectId: number): Promise<Settlement> {
    const { store, assemblies, prove, step } = this.#port;
    const object = store.read.objects.byId(objectId);
    if (!object) return 'incomplete';
    if (object.state === 'verified') return 'verified';
    const pieces = store.read.pieces.of(objectId);
    if (!object.expected || missingBytes(pieces, object.expected.sizeBytes).length > 0) return 'incomplete';
    const lens = store.read.lenses.byId(object.lensId)!;
    const assembly = assemblies.of(lens.vehicle, object);
    if (!(await this.#takeBack(object, lens.vehicle, assembly))) {
      await this.#startOver(object, lens.vehicleId);
      return 'quarantined';
    }
    await assembly.freeze();
    let proven: Proven;
    try {
      step('merge:1-verify');
      proven = await prove(assembly, object, lens.vehicleId);
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.kind !== 'data-loss') throw error;
      await this.#quarantine(object, lens.vehicleId, assembly, error);
      return 'quarantined';
    }
    await this.#publish(object, lens, { assembly, proven, pieces });
    return 'verified';
  }

  /**
   * A crash between publishing and committing left the file in its final place: it is put together already.
   *
   * @returns whether there is a file at all
   */
  async #takeBack(object: StoredObject, vehicle: VehicleId, assembly: Assembly): Promise<boolean> {
    const { disk, layout } = this.#port;
    if ((await disk.sizeBytes(assembly.path)) !== undefined) return true;
    const published = layout.media(mediaPath(vehicle, object, object.startMs));
    if ((await disk.sizeBytes(published)) === undefined) return false;
    await disk.rename(published, assembly.path);
    return true;
  }

  /** The file is gone: a crash came between moving it to quarantine and saying so, or somebody removed it. */
  async #startOver(object: StoredObject, vehicleId: number): Promise<void> {
    const { store, assemblies, log, onQuarantined } = this.#port;
    const why = new AppError('ASSEMBLY_SHORT', `the file of ${segmentId(object)} is gone`);
    await assemblies.release(object.id);
    await store.write((tables) => forgetBytes(tables, object));
    log.error({ err: why, segment: segmentId(object) }, 'bytes of a segment are gone');
    onQuarantined(vehicleId, object, why);
  }

  async #publish(
    object: StoredObject,
    lens: { vehicle: VehicleId; vehicleId: number },
    made: { assembly: Assembly; proven: Proven; pieces: readonly Piece[] },
  ): Promise<void> {
    const { store, assemblies, layout, disk, clock, step, onVerified, log } = this.#port;
    const { assembly, proven, pieces } = made;
    // Named by the start that the catalogue told, so that a start after a crash finds it by the same name.
    const path = mediaPath(lens.vehicle, object, object.startMs);
    step('merge:2-sync-file');
    await (await assembly.open()).sync();
    await assemblies.release(object.id);
    step('merge:3-publish');
    await publishFile(disk, assembly.path, layout.media(path));
    step('merge:4-commit');
    const fetched = fetchedCoverage(proven, pieces);
    const holes = proven.coverage.complementWithin({ startMs: proven.startMs, endMs: proven.endMs });
    await store.write((tables) => {
      tables.objects.verify(object, {
        sizeBytes: object.expected!.sizeBytes,
        path,
        startMs: proven.startMs,
        endMs: proven.endMs,
        firstFragment: proven.fragments[0]!.number,
        fragmentCount: proven.fragments.length,
        fragments: encodeFragmentTable(proven.fragments),
        fetchedBytes: pieces.reduce(
          (sum, { source, from, to }) => sum + (source === 'fetched' ? to - from : 0),
          0,
        ),
        holes,
        verifiedMs: clock.nowMs(),
      });
      tables.coverage.add(object.lensId, 'fetched', fetched);
      tables.coverage.add(object.lensId, 'live', proven.coverage.subtract(fetched));
      tables.coverage.remove(object.lensId, 'expired', proven.coverage);
      tables.coverage.remove(object.lensId, 'received', [{ startMs: proven.startMs, endMs: proven.endMs }]);
      // What the file has no picture of is not footage that is still to come, whatever the vehicle measured.
      tables.coverage.remove(object.lensId, 'held', holes);
      tables.coverage.add(object.lensId, 'absent:no-signal', holes);
    });
    step('merge:5-committed');
    log.debug({ segment: segmentId(object), vehicle: lens.vehicle }, 'segment verified');
    onVerified(lens.vehicleId, object);
  }

  async #quarantine(
    object: StoredObject,
    vehicleId: number,
    assembly: Assembly,
    why: AppError,
  ): Promise<void> {
    const { store, assemblies, layout, disk, clock, log, onQuarantined } = this.#port;
    await assemblies.release(object.id);
    const name = `${segmentId(object).replaceAll('/', '_')}.${clock.nowMs()}.${why.code.toLowerCase()}`;
    await disk.rename(assembly.path, layout.quarantine(name));
    await disk.syncDirectory(dirname(layout.quarantine(name)));
    await store.write((tables) => {
      forgetBytes(tables, object);
      tables.quarantine.add({
        lensId: object.lensId,
        segment: segmentId(object),
        atMs: clock.nowMs(),
        reason: why.code,
        path: name,
      });
    });
    log.error({ err: why, segment: segmentId(object), quarantine: name }, 'segment quarantined');
    onQuarantined(vehicleId, object, why);
  }
}

/** Everything of the object must come again. */
function forgetBytes(tables: StoreWriter, object: StoredObject): void {
  tables.pieces.clear(object.id);
  tables.objects.countFailure(object.id);
  tables.coverage.remove(object.lensId, 'received', [{ startMs: object.startMs, endMs: object.endMs }]);
}

/** The part of an object's coverage whose fragments did not come live in full. */
export function fetchedCoverage(proven: Proven, pieces: readonly Piece[]): RangeSet {
  const live = pieces.filter((piece) => piece.source === 'live');
  const ranges = proven.fragments
    .filter(
      ({ offset, sizeBytes }) =>
        !live.some((piece) => piece.from <= offset && offset + sizeBytes <= piece.to),
    )
    .map(({ startTicks, durationTicks }) => ({
      startMs: wallMs(proven.identity, startTicks),
      endMs: wallMs(proven.identity, startTicks + durationTicks),
    }))
    .filter(({ startMs, endMs }) => startMs < endMs);
  return RangeSet.from(ranges).intersect(proven.coverage);
}
