import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { RunId, SegmentRef } from '@gapless/shared/ids';
import { parseLensName } from '@gapless/shared/ids';
import { createLog } from '@gapless/shared/log';
import { beforeAll, describe, expect, it } from 'vitest';
import { recorded } from '../../../../fixtures/media/index.js';
import { FaultyDisk } from '../../../../test/support/edge/faulty-disk.js';
import { Kill } from '../../../../test/support/edge/kill.js';
import type { RecordingsOptions } from '../../../../test/support/edge/recordings.js';
import { front, Place, Recordings } from '../../../../test/support/edge/recordings.js';
import { segmentPath } from '../index/index.js';
import type { Removed } from './remove.js';
import { remove } from './remove.js';

let bytes: Uint8Array;

beforeAll(async () => {
  bytes = await recorded('tiny');
});

/** Three segments of the lens front. */
class Scene implements AsyncDisposable {
  inUse: readonly number[] = [];

  private constructor(
    readonly place: Place,
    readonly recordings: Recordings,
    readonly run: RunId,
  ) {}

  static async make(options: RecordingsOptions = {}): Promise<Scene> {
    const place = await Place.make();
    const recordings = new Recordings(place, options);
    await recordings.begin(front);
    return new Scene(place, recordings, (await recordings.record(front, bytes))!);
  }

  ref(seq: number): SegmentRef {
    return { lens: front, run: this.run, seq };
  }

  /** From the beginning of one segment to the end of another. */
  range(from: number, to: number): { startMs: number; endMs: number } {
    const { segments } = this.recordings.reader;
    return { startMs: segments.get(this.ref(from))!.startMs, endMs: segments.get(this.ref(to))!.endMs };
  }

  remove(from: number, to: number, force = false): Promise<Removed> {
    return this.#remove({ selection: { lens: front, range: this.range(from, to) }, force });
  }

  removeSegment(seq: number): Promise<Removed> {
    return this.#remove({ selection: { segment: this.ref(seq) }, force: false });
  }

  protect(seq: number): Promise<unknown> {
    const selection = { segment: this.ref(seq) };
    return this.recordings.protections.protect({ selection, holder: 'police', reason: 'accident' });
  }

  /** Numbers of the segments that are left. */
  get left(): number[] {
    return [0, 1, 2].filter((seq) => this.recordings.reader.segments.get(this.ref(seq)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.recordings.crash();
    await this.place[Symbol.asyncDispose]();
  }

  #remove(input: Parameters<typeof remove>[1]): Promise<Removed> {
    const { reader, burial } = this.recordings;
    const isInUse = ({ seq }: SegmentRef): boolean => this.inUse.includes(seq);
    return remove({ reader, burial, isInUse, log: createLog('test', 'silent') }, input);
  }
}

describe('remove', () => {
  it('removes what overlaps a range and says what that was', async () => {
    await using scene = await Scene.make();
    const { reader, index, clock } = scene.recordings;
    await index.markReceipted([reader.segments.get(scene.ref(1))!]);
    const removed = [0, 1].map((seq) => reader.segments.get(scene.ref(seq))!);
    const result = await scene.remove(0, 1);
    expect(result).toEqual({
      removed: [0, 1].map((seq) => reader.tombstones.get(scene.ref(seq))),
      removedBytes: removed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      unreceipted: 1,
    });
    expect(result.removed[0]).toMatchObject({ reason: 'removed', deletedMs: clock.nowMs() });
    for (const segment of removed)
      expect(existsSync(join(scene.place.storageDir, segmentPath(segment)))).toBe(false);
    expect(scene.left).toEqual([2]);
    expect(await scene.recordings.check()).toEqual([]);
  });

  it('removes one segment and not its neighbours', async () => {
    await using scene = await Scene.make();
    expect((await scene.removeSegment(1)).removed.map(({ seq }) => seq)).toEqual([1]);
    expect(scene.left).toEqual([0, 2]);
    await expect(scene.removeSegment(1)).rejects.toMatchObject({ code: 'SEGMENT_GONE' });
  });

  it('refuses as a whole when something is protected, and says by whom', async () => {
    await using scene = await Scene.make();
    await scene.protect(1);
    await expect(scene.remove(0, 2)).rejects.toMatchObject({
      code: 'REMOVE_PROTECTED',
      message: '1 of 3 segments are protected by police',
    });
    expect(scene.left).toEqual([0, 1, 2]);
    expect((await scene.remove(0, 2, true)).removed).toHaveLength(3);
    expect((await scene.recordings.protections.list()).pins).toHaveLength(1);
    expect(await scene.recordings.check()).toEqual([]);
  });

  it('refuses as a whole when something is being sent, unless forced', async () => {
    await using scene = await Scene.make();
    scene.inUse = [2];
    await expect(scene.remove(0, 2)).rejects.toMatchObject({ code: 'REMOVE_IN_USE' });
    expect(scene.left).toEqual([0, 1, 2]);
    await scene.remove(0, 2, true);
    expect(scene.left).toEqual([]);
  });

  it('leaves out what comes to be protected while it is on its way', async () => {
    await using scene = await Scene.make();
    const range = scene.range(0, 2);
    const [, { removed }] = await Promise.all([
      scene.recordings.index.protections.change(front, () => ({
        remove: [],
        add: [
          {
            ...{ lens: front, ...range, holder: 'police', reason: '' },
            ...{ madeMs: 0, expiresMs: undefined },
          },
        ],
      })),
      scene.remove(0, 2),
    ]);
    expect(removed).toEqual([]);
    expect(scene.left).toEqual([0, 1, 2]);
  });

  it('removes nothing where there is nothing, and knows lenses that are none', async () => {
    await using scene = await Scene.make();
    const { reader, burial } = scene.recordings;
    const port = { reader, burial, isInUse: () => false, log: createLog('test', 'silent') };
    const range = { startMs: 0, endMs: 1 };
    expect(await remove(port, { selection: { lens: front, range }, force: false })).toMatchObject({
      removed: [],
      removedBytes: 0,
    });
    const rear = parseLensName('rear');
    await expect(remove(port, { selection: { lens: rear, range }, force: false })).rejects.toMatchObject({
      code: 'LENS_UNKNOWN',
    });
  });

  it('says that the disk did not let a file go, which is tried again', async () => {
    const disk = new FaultyDisk();
    await using scene = await Scene.make({ disk });
    disk.before = (operation) => (operation === 'remove' ? 'EROFS' : undefined);
    await expect(scene.remove(0, 0)).rejects.toMatchObject({ code: 'STORAGE_WRITE_FAILED' });
    expect(scene.left).toEqual([1, 2]);
    disk.before = () => undefined;
    expect((await scene.recordings.burial.finish()).removed).toHaveLength(1);
  });

  it.each(['1-tombstones', '2-journal', '3-remove', '4-sync-directories', '5-gone'])(
    'is finished by the next start after a kill at evict:%s',
    async (step) => {
      const kill = new Kill(`evict:${step}`);
      const scene = await Scene.make({ disk: kill.disk, step: kill.step });
      await expect(scene.remove(0, 1)).rejects.toThrow('killed at');
      await scene.recordings.crash();
      const recordings = new Recordings(scene.place);
      await recordings.begin(front);
      const isRemoved = step !== '1-tombstones';
      for (const seq of [0, 1])
        expect(recordings.reader.tombstones.get(scene.ref(seq))?.reason).toBe(
          isRemoved ? 'removed' : undefined,
        );
      expect(await recordings.check()).toEqual([]);
      await recordings.crash();
      await scene.place[Symbol.asyncDispose]();
    },
  );
});
