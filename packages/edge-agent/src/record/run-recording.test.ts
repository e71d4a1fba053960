import { beforeAll, describe, expect, it } from 'vitest';
import { piecesOf, recorded } from '../../../../fixtures/media/index.js';
import { FaultyDisk } from '../../../../test/support/edge/faulty-disk.js';
import { front, passing, Place, Recordings } from '../../../../test/support/edge/recordings.js';

let bytes: Uint8Array;

beforeAll(async () => {
  bytes = await recorded('tiny');
});

/** Resolves when a segment is synced next; only that one ends as `errno` says. */
function nextSync(disk: FaultyDisk, errno?: string): Promise<void> {
  return new Promise((resolve) => {
    disk.before = (operation, path) => {
      if (operation !== 'sync' || !path.endsWith('.mp4')) return undefined;
      disk.before = () => undefined;
      resolve();
      return errno;
    };
  });
}

describe('RunRecording', () => {
  it.each(['h264', 'h264NoB', 'ntsc', 'longGop', 'silent', 'openGop', 'h265', 'h265OpenGop'] as const)(
    'cuts %s into segments that begin with a keyframe and follow one another',
    async (recipe) => {
      await using place = await Place.make();
      await using recordings = new Recordings(place);
      await recordings.begin(front);
      const media = await recorded(recipe);
      const run = (await recordings.record(front, media, { segmentDurationMs: 4_000 }))!;
      const segments = recordings.reader.segments.ofRun(recordings.reader.runs.get(front, run)!, 0, 100);
      const fragments = piecesOf(media).length - 1;
      expect(segments.reduce((sum, { fragmentCount }) => sum + fragmentCount, 0)).toBe(fragments);
      for (const [i, { startMs }] of segments.entries())
        if (i > 0) expect(startMs).toBe(segments[i - 1]!.endMs);
      expect(await recordings.check({ readData: true })).toEqual([]);
    },
  );

  it('syncs the open segment while it grows, and once more before its row', async () => {
    await using place = await Place.make();
    const disk = new FaultyDisk();
    const recordings = new Recordings(place, { disk });
    await recordings.begin(front);
    const recording = await recordings.feed(front, bytes, { segmentDurationMs: 10_000 });
    await passing(recordings.clock, nextSync(disk));
    const order: string[] = [];
    disk.before = (operation, path) => {
      if ((operation === 'write' || operation === 'sync') && path.endsWith('.mp4')) order.push(operation);
      return undefined;
    };
    await recording.finish('stopped');
    expect(order).toEqual(['write', 'sync']);
    await recordings.crash();
  });

  it('takes a sync that failed as final for its file, also when the next one works', async () => {
    await using place = await Place.make();
    const disk = new FaultyDisk();
    const recordings = new Recordings(place, { disk });
    await recordings.begin(front);
    const recording = recordings.start(front, bytes, { segmentDurationMs: 10_000 });
    const failed = nextSync(disk, 'EIO');
    const recordAll = async (): Promise<void> => {
      await recordings.feedAll(recording, bytes);
      await passing(recordings.clock, failed);
      await recording.finish('stopped');
    };
    await expect(recordAll()).rejects.toThrow('EIO');
    await recording.abandon();
    expect(recordings.reader.segments.totalBytes()).toBe(0);
    expect(recordings.reader.runs.get(front, recording.run!)).toMatchObject({ endReason: 'disk' });
    expect(await recordings.check()).toEqual([]);
    await recordings.crash();
  });

  it('keeps a segment that was safe when its row or its place failed', async () => {
    await using place = await Place.make();
    const disk = new FaultyDisk();
    const recordings = new Recordings(place, { disk });
    await recordings.begin(front);
    const recording = await recordings.feed(front, bytes, { segmentDurationMs: 10_000 });
    disk.before = (operation) => (operation === 'rename' ? 'EIO' : undefined);
    await expect(recording.finish('stopped')).rejects.toThrow('EIO');
    await recording.abandon();
    disk.before = () => undefined;
    await recordings.begin(front);
    expect(recordings.reader.segments.get({ lens: front, run: recording.run!, seq: 0 })).toBeDefined();
    expect(await recordings.check()).toEqual([]);
    await recordings.crash();
  });

  it('hands each piece to the live lane with the very place at which it stands in the file', async () => {
    await using place = await Place.make();
    await using recordings = new Recordings(place);
    await recordings.begin(front);
    const ends = new Map<number, number>();
    const parts: string[] = [];
    const run = (await recordings.record(front, bytes, {
      live: ({ seq, part, offset, sizeBytes }, piece) => {
        expect(piece.length).toBe(sizeBytes);
        expect(offset).toBe(ends.get(seq) ?? 0);
        ends.set(seq, offset + sizeBytes);
        parts.push(part);
      },
    }))!;
    expect(parts.slice(0, 3)).toEqual(['head', 'fragment', 'seal']);
    for (const [seq, sizeBytes] of ends)
      expect(recordings.reader.segments.get({ lens: front, run, seq })!.sizeBytes).toBe(sizeBytes);
  });

  it('cuts early when a link returned, but not shorter than two seconds', async () => {
    await using place = await Place.make();
    await using recordings = new Recordings(place);
    await recordings.begin(front);
    const recording = recordings.start(front, bytes, { segmentDurationMs: 10_000 });
    recording.cutSoon();
    await recordings.feedAll(recording, bytes);
    await recording.finish('stopped');
    const segments = recordings.reader.segments.ofRun(
      recordings.reader.runs.get(front, recording.run!)!,
      0,
      9,
    );
    expect(segments.map(({ fragmentCount }) => fragmentCount)).toEqual([2, 2]);
  });
});
