import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AppError } from '@gapless/shared/errors';
import type { RunId } from '@gapless/shared/ids';
import { beforeAll, describe, expect, it } from 'vitest';
import { recorded } from '../../../../fixtures/media/index.js';
import { front, Place, Recordings } from '../../../../test/support/edge/recordings.js';
import { SmallDisk } from '../../../../test/support/edge/small-disk.js';
import { RecordingGate } from '../record/recording-gate.js';
import { freeSpaceOf } from './free-space.js';
import { DISK_FULL, Retention } from './retention.js';
import type { RetentionLimits } from './retention-policy.js';

const MIN_FREE_BYTES = 1_000_000;
const NEVER = new AbortController().signal;

let bytes: Uint8Array;

beforeAll(async () => {
  bytes = await recorded('h264NoB');
});

/** Recordings on a disk that holds them five times over, and the retention that keeps a part of it free. */
class Scene implements AsyncDisposable {
  readonly gate = new RecordingGate();
  readonly failures: AppError[] = [];
  readonly retention: Retention;

  private constructor(
    readonly place: Place,
    readonly disk: SmallDisk,
    readonly recordings: Recordings,
    whenFull: RetentionLimits['whenFull'],
  ) {
    const { reader, burial, clock } = recordings;
    this.retention = new Retention({
      ...{ reader, burial, clock, gate: () => this.gate, lensLimits: () => new Map() },
      limits: () => ({ maxBytes: undefined, minFreeBytes: MIN_FREE_BYTES, maxAgeMs: undefined, whenFull }),
      freeBytes: freeSpaceOf(place.storageDir),
      openBytes: () => 0,
      isInUse: () => false,
      events: {
        onEvicted: () => undefined,
        onPaused: () => undefined,
        onResumed: () => undefined,
        onFailed: (error) => this.failures.push(error),
      },
    });
  }

  static async make(whenFull: RetentionLimits['whenFull']): Promise<Scene> {
    const place = await Place.make();
    const disk = new SmallDisk(place.storageDir, MIN_FREE_BYTES + 5 * bytes.length);
    const recordings = new Recordings(place);
    await recordings.begin(front);
    return new Scene(place, disk, recordings, whenFull);
  }

  async record(): Promise<RunId> {
    return (await this.recordings.record(front, bytes))!;
  }

  look(): Promise<void> {
    return this.retention.look(NEVER);
  }

  freeBytes(): Promise<number> {
    return freeSpaceOf(this.place.storageDir)();
  }

  /** Numbers of the segments of a run that are left. */
  left(run: RunId): number {
    const range = { startMs: 0, endMs: Number.MAX_SAFE_INTEGER };
    return this.recordings.reader.segments.overlapping(front, range).filter((one) => one.run === run).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.recordings.clock.advance(1_000); // for what is committed lazily
    expect(await this.recordings.check()).toEqual([]);
    await this.recordings.crash();
    this.disk[Symbol.dispose]();
    await this.place[Symbol.asyncDispose]();
  }
}

const isAllowed = SmallDisk.isAllowed;

describe.skipIf(!isAllowed)('a real disk that is full (needs the right to mount)', () => {
  it('goes on recording over the oldest footage', async () => {
    await using scene = await Scene.make('evict-oldest');
    const runs: RunId[] = [];
    for (let round = 0; round < 8; round++) {
      runs.push(await scene.record());
      await scene.look();
      expect(await scene.freeBytes()).toBeGreaterThanOrEqual(MIN_FREE_BYTES);
    }
    expect(scene.left(runs[0]!)).toBe(0);
    expect(scene.left(runs[7]!)).toBe(10);
    expect([scene.gate.closedBecause, scene.failures]).toEqual([undefined, []]);
  });

  it('pauses recording rather than lose footage, and resumes when there is room', async () => {
    await using scene = await Scene.make('stop-recording');
    const runs: RunId[] = [];
    while (scene.gate.closedBecause === undefined) {
      runs.push(await scene.record());
      await scene.look();
    }
    expect(scene.gate.closedBecause).toBe(DISK_FULL);
    for (const run of runs) expect(scene.left(run)).toBe(10);
    const { reader, index } = scene.recordings;
    const range = { startMs: 0, endMs: Number.MAX_SAFE_INTEGER };
    await index.markReceipted(reader.segments.overlapping(front, range));
    await scene.look();
    expect(scene.gate.closedBecause).toBeUndefined();
    expect(await scene.freeBytes()).toBeGreaterThanOrEqual(MIN_FREE_BYTES);
  });

  it('makes room when somebody else has filled it to the last byte', async () => {
    await using scene = await Scene.make('evict-oldest');
    await scene.record();
    const foreign = join(scene.place.storageDir, 'foreign');
    await expect(writeFile(foreign, Buffer.alloc(8 * bytes.length + MIN_FREE_BYTES))).rejects.toThrow(
      'ENOSPC',
    );
    expect(await scene.freeBytes()).toBeLessThan(MIN_FREE_BYTES);
    await scene.look();
    expect(await scene.freeBytes()).toBeGreaterThan(0);
    await rm(foreign);
  });

  it('says that it has become read-only, and goes on when it can be written again', async () => {
    await using scene = await Scene.make('evict-oldest');
    const run = await scene.record();
    for (let round = 0; round < 4; round++) await scene.record();
    const foreign = join(scene.place.storageDir, 'foreign');
    await writeFile(foreign, Buffer.alloc(MIN_FREE_BYTES / 2));
    await scene.recordings.journal.sync(); // a file that is open for writing keeps the disk from it
    scene.disk.setReadOnly(true);
    await scene.look();
    await scene.look();
    expect(scene.failures[0]).toMatchObject({ code: 'STORAGE_WRITE_FAILED', details: { errno: 'EROFS' } });
    await expect(scene.record()).rejects.toMatchObject({ code: 'STORAGE_WRITE_FAILED' });
    scene.disk.setReadOnly(false);
    await scene.look();
    expect(await scene.freeBytes()).toBeGreaterThanOrEqual(MIN_FREE_BYTES);
    expect(scene.left(run)).toBeLessThan(10);
    await rm(foreign);
  });
});
