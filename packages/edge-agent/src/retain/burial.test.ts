import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunId } from '@gapless/shared/ids';
import { beforeAll, describe, expect, it } from 'vitest';
import { recorded } from '../../../../fixtures/media/index.js';
import { FaultyDisk } from '../../../../test/support/edge/faulty-disk.js';
import { Kill } from '../../../../test/support/edge/kill.js';
import { front, Place, Recordings } from '../../../../test/support/edge/recordings.js';
import { journalPath, segmentPath } from '../index/index.js';

let bytes: Uint8Array;

beforeAll(async () => {
  bytes = await recorded('tiny');
});

/** Records three segments; returns their run. */
async function recordedRun(place: Place): Promise<RunId> {
  await using recordings = new Recordings(place);
  await recordings.begin(front);
  return (await recordings.record(front, bytes))!;
}

describe('Burial', () => {
  it('turns rows into tombstones and removes the files', async () => {
    await using place = await Place.make();
    const run = await recordedRun(place);
    await using recordings = new Recordings(place);
    const { reader, burial, clock } = recordings;
    await recordings.begin(front);
    const segment = reader.segments.get({ lens: front, run, seq: 0 })!;
    const gone = { lens: front, run, seq: 77 };
    const { removed, left } = await burial.bury([segment, gone], 'evicted');
    expect(removed).toEqual([reader.tombstones.get(segment)]);
    expect(removed[0]).toMatchObject({ deletedMs: clock.nowMs(), reason: 'evicted', sha256: segment.sha256 });
    expect(left).toEqual([]);
    expect(reader.segments.get(segment)).toBeUndefined();
    expect(existsSync(join(place.storageDir, segmentPath(segment)))).toBe(false);
    expect(await recordings.check()).toEqual([]);
  });

  it.each(['1-tombstones', '2-journal', '3-remove', '4-sync-directories', '5-gone'])(
    'is finished by the next start after a kill at evict:%s',
    async (step) => {
      await using place = await Place.make();
      const run = await recordedRun(place);
      const kill = new Kill(`evict:${step}`);
      const killed = new Recordings(place, { disk: kill.disk, step: kill.step });
      await killed.begin(front);
      const segments = [0, 1].map((seq) => killed.reader.segments.get({ lens: front, run, seq })!);
      await expect(killed.burial.bury(segments, 'evicted')).rejects.toThrow('killed at');
      await killed.crash();
      const recordings = new Recordings(place);
      await recordings.begin(front);
      const isBuried = step !== '1-tombstones';
      for (const segment of segments) {
        expect(recordings.reader.tombstones.get(segment) !== undefined).toBe(isBuried);
        expect(existsSync(join(place.storageDir, segmentPath(segment)))).toBe(!isBuried);
      }
      expect(await recordings.check()).toEqual([]);
      const journal = await readFile(join(place.storageDir, journalPath(front, '2026-08-22')), 'utf8');
      const lines = new Set(journal.split('\n').filter((line) => line.includes('"tombstone"')));
      expect(lines.size).toBe(isBuried ? 2 : 0);
      await recordings.crash();
    },
  );

  it('has the tombstone in the journal before a file goes', async () => {
    await using place = await Place.make();
    const run = await recordedRun(place);
    const disk = new FaultyDisk();
    const recordings = new Recordings(place, { disk });
    await recordings.begin(front);
    const journal = join(place.storageDir, journalPath(front, '2026-08-22'));
    const path = join(
      place.storageDir,
      segmentPath(recordings.reader.segments.get({ lens: front, run, seq: 0 })!),
    );
    disk.done.length = 0;
    await recordings.burial.bury([{ lens: front, run, seq: 0 }], 'evicted');
    const order = disk.done.flatMap((one) =>
      (one.path === journal && one.operation === 'sync') || (one.path === path && one.operation === 'remove')
        ? [one.operation]
        : [],
    );
    expect(order).toEqual(['sync', 'remove']);
    await recordings.crash();
  });

  it('keeps a damaged file in quarantine', async () => {
    await using place = await Place.make();
    const run = await recordedRun(place);
    await using recordings = new Recordings(place);
    await recordings.begin(front);
    await recordings.burial.bury([{ lens: front, run, seq: 1 }], 'corrupt');
    expect(await readdir(join(place.storageDir, front, 'quarantine'))).toEqual([
      expect.stringMatching(/_000001\.mp4\.corrupt$/),
    ]);
    expect(await recordings.check()).toEqual([]);
  });

  it('tells which files the disk would not let go, and tries them again', async () => {
    await using place = await Place.make();
    const run = await recordedRun(place);
    const disk = new FaultyDisk();
    const recordings = new Recordings(place, { disk });
    await recordings.begin(front);
    disk.before = (operation, path) =>
      operation === 'remove' && path.includes('_000000') ? 'EROFS' : undefined;
    const segments = [0, 1].map((seq) => ({ lens: front, run, seq }));
    const { removed, left, failure } = await recordings.burial.bury(segments, 'evicted');
    expect([removed, left].map((some) => some.map(({ seq }) => seq))).toEqual([[1], [0]]);
    expect(failure).toMatchObject({ code: 'STORAGE_WRITE_FAILED' });
    disk.before = () => undefined;
    await recordings.clock.advance(1_000);
    const again = await recordings.burial.finish();
    expect(again.removed.map(({ seq }) => seq)).toEqual([0]);
    expect(await recordings.check()).toEqual([]);
    await recordings.crash();
  });

  it('takes no file as gone before its directory is synced', async () => {
    await using place = await Place.make();
    const run = await recordedRun(place);
    const disk = new FaultyDisk();
    const recordings = new Recordings(place, { disk });
    await recordings.begin(front);
    disk.before = (operation, path) =>
      operation === 'sync-directory' && path.endsWith('2026-08-22') ? 'EIO' : undefined;
    const { removed, left, failure } = await recordings.burial.bury(
      [{ lens: front, run, seq: 0 }],
      'evicted',
    );
    expect([removed.length, left.length]).toEqual([0, 1]);
    expect(failure).toMatchObject({ code: 'STORAGE_WRITE_FAILED' });
    disk.before = () => undefined;
    expect((await recordings.burial.finish()).removed).toHaveLength(1);
    await recordings.crash();
  });
});
