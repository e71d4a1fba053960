import { copyFile, mkdir, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunId } from '@gapless/shared/ids';
import { decodeFragmentTable } from '@gapless/shared/isobmff';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { recorded } from '../../../../fixtures/media/index.js';
import { FaultyDisk } from '../../../../test/support/edge/faulty-disk.js';
import { Kill } from '../../../../test/support/edge/kill.js';
import { front, Place, rear, Recordings } from '../../../../test/support/edge/recordings.js';
import { recordingDirectory } from '../index/index.js';

/** Three fragments of a second each. */
let bytes: Uint8Array;

beforeAll(async () => {
  bytes = await recorded('tiny');
});

/** Numbers of the fragments that the index knows of a run, in order. */
function fragmentsOf({ reader }: Recordings, run: RunId): number[] {
  return reader.segments
    .ofRun(reader.runs.get(front, run)!, 0, 1_000)
    .flatMap(({ fragments }) => decodeFragmentTable(fragments).map(({ number }) => number));
}

/** A lens with one sound run, and a second one that ended in the middle as `crash` says. */
async function crashed(
  place: Place,
  crash: { readonly kill?: Kill; readonly segmentDurationMs?: number } = {},
): Promise<{ run: RunId | undefined; written: number[] }> {
  const { kill, segmentDurationMs = 1_000 } = crash;
  {
    await using before = new Recordings(place);
    await before.begin(front);
    await before.record(front, bytes);
  }
  const recordings = new Recordings(place, kill && { disk: kill.disk, step: kill.step });
  await recordings.begin(front);
  const written: number[] = [];
  const recording = recordings.start(front, bytes, {
    segmentDurationMs,
    live: (piece) => {
      if (piece.part === 'fragment') written.push(piece.number);
    },
  });
  await recordings.feedAll(recording, bytes).catch((thrown: unknown) => {
    if (!kill?.isDone) throw thrown;
  });
  await recordings.crash();
  return { run: recording.run, written };
}

function openFile(place: Place): Promise<string[]> {
  return readdir(join(place.storageDir, recordingDirectory(front)));
}

const OPEN_AND_CLOSE = [
  'segment-open:1-create',
  'segment-open:2-sync-directory',
  'segment-close:1-seal',
  'segment-close:2-sync-file',
  'segment-close:3-row',
  'segment-close:4-rename',
  'segment-close:5-sync-directories',
];

describe('recover', () => {
  it.each(OPEN_AND_CLOSE.flatMap((step) => [1, 2].map((occurrence) => ({ step, occurrence }))))(
    'loses nothing that was written before a kill at $step, occurrence $occurrence',
    async ({ step, occurrence }) => {
      await using place = await Place.make();
      const kill = new Kill(step, occurrence);
      const { run, written } = await crashed(place, { kill });
      expect(kill.isDone).toBe(true);
      const recordings = new Recordings(place);
      const recovered = await recordings.begin(front);
      expect(await recordings.check()).toEqual([]);
      if (run !== undefined) expect(fragmentsOf(recordings, run)).toEqual(written);
      expect(await openFile(place)).toEqual([]);
      expect(recovered.get(front)!.previous).toBe(recordings.reader.segments.lastSha256(front));
      await recordings.record(front, bytes);
      expect(await recordings.check()).toEqual([]);
      await recordings.crash();
    },
  );

  it.each(['1-cut-and-seal', '2-sync-file', '3-row', '4-rename', '5-sync-directories'])(
    'goes on where another recovery was killed at recover:%s',
    async (step) => {
      await using place = await Place.make();
      const { run, written } = await crashed(place, { segmentDurationMs: 10_000 });
      const kill = new Kill(`recover:${step}`);
      const killed = new Recordings(place, { disk: kill.disk, step: kill.step });
      await expect(killed.begin(front)).rejects.toThrow('killed at');
      await killed.crash();
      const recordings = new Recordings(place);
      await recordings.begin(front);
      expect(await recordings.check()).toEqual([]);
      expect(fragmentsOf(recordings, run!)).toEqual(written);
      await recordings.crash();
    },
  );

  it('cuts a file that was torn anywhere after its last whole fragment', async () => {
    await using original = await Place.make();
    const { run, written } = await crashed(original, { segmentDurationMs: 10_000 });
    const [name] = await openFile(original);
    const size = (await readFile(join(original.storageDir, recordingDirectory(front), name!))).length;
    const ends = await fragmentEnds(original, run!);
    expect(ends).toHaveLength(written.length);
    const cut = async (length: number): Promise<void> => {
      await using place = await original.copy();
      await truncate(join(place.storageDir, recordingDirectory(front), name!), length);
      const recordings = new Recordings(place);
      await recordings.begin(front);
      expect(fragmentsOf(recordings, run!)).toEqual(written.filter((_, i) => ends[i]! <= length));
      const findings = await recordings.check();
      await recordings.crash();
      expect(findings).toEqual([]);
    };
    for (const end of ends) for (const length of [end - 1, end, end + 1]) await cut(Math.min(length, size));
    await fc.assert(fc.asyncProperty(fc.integer({ min: 0, max: size }), cut), { numRuns: 25 });
  });

  it('takes nothing for footage that was never written out', async () => {
    await using place = await Place.make();
    const { run, written } = await crashed(place, { segmentDurationMs: 10_000 });
    const [, second] = await fragmentEnds(place, run!);
    const [name] = await openFile(place);
    const path = join(place.storageDir, recordingDirectory(front), name!);
    const torn = await readFile(path);
    torn.fill(0, second! - 400, second); // with a whole fragment behind it
    await writeFile(path, torn);
    const recordings = new Recordings(place);
    await recordings.begin(front);
    expect(fragmentsOf(recordings, run!)).toEqual(written.slice(0, 1));
    expect(await recordings.check()).toEqual([]);
    await recordings.crash();
  });

  it.each([
    ['crashed', 'boot-1'],
    ['power-loss', 'boot-2'],
  ])('ends the run that nobody ended as %s', async (reason, bootId) => {
    await using place = await Place.make();
    const { run } = await crashed(place);
    const recordings = new Recordings(place, { bootId });
    await recordings.begin(front);
    const { endReason, endMs } = recordings.reader.runs.get(front, run!)!;
    expect(endReason).toBe(reason);
    expect(endMs).toBe(recordings.reader.runs.lastEndMs(front, run!));
    await recordings.crash();
  });

  it('says since when and why nothing was recorded', async () => {
    await using place = await Place.make();
    {
      await using recordings = new Recordings(place);
      expect((await recordings.begin(front)).get(front)!.absence).toBeUndefined();
      await recordings.record(front, bytes);
    }
    const stopped = new Recordings(place);
    const sinceMs = stopped.reader.runs.last(front)!.endMs!;
    const recovered = await stopped.begin(front, rear);
    expect(recovered.get(front)!.absence).toEqual({ sinceMs, reason: 'off', detail: undefined });
    expect(recovered.get(rear)!.absence).toBeUndefined();
    await stopped.crash();
    const crashed = new Recordings(place);
    const again = (await crashed.begin(front)).get(front)!.absence;
    expect(again).toEqual({ sinceMs, reason: 'unexplained', detail: undefined });
    await crashed.crash();
  });

  it('keeps what it cannot read in quarantine', async () => {
    await using place = await Place.make();
    await crashed(place);
    const directory = join(place.storageDir, recordingDirectory(front));
    await writeFile(join(directory, 'garbage.mp4'), 'no box at all, and more than a header');
    await writeFile(join(directory, 'empty.mp4'), '');
    const recordings = new Recordings(place);
    await recordings.begin(front);
    expect(await openFile(place)).toEqual([]);
    const quarantine = await readdir(join(place.storageDir, front, 'quarantine'));
    expect(quarantine).toEqual(['garbage.mp4.unreadable']);
    expect(await recordings.check()).toEqual([]);
    await recordings.crash();
  });

  it('keeps a file of another lens in quarantine', async () => {
    await using place = await Place.make();
    await crashed(place, { segmentDurationMs: 10_000 });
    const [name] = await openFile(place);
    await mkdir(join(place.storageDir, recordingDirectory(rear)), { recursive: true });
    await copyFile(
      join(place.storageDir, recordingDirectory(front), name!),
      join(place.storageDir, recordingDirectory(rear), name!),
    );
    const recordings = new Recordings(place);
    await recordings.begin(front, rear);
    expect(await readdir(join(place.storageDir, rear, 'quarantine'))).toEqual([`${name!}.unreadable`]);
    expect(await recordings.check()).toEqual([]);
    await recordings.crash();
  });

  it('does not take back a segment that the disk had failed', async () => {
    await using place = await Place.make();
    const disk = new FaultyDisk();
    const recordings = new Recordings(place, { disk });
    await recordings.begin(front);
    const recording = await recordings.feed(front, bytes, { segmentDurationMs: 10_000 });
    disk.before = () => 'EIO'; // the file cannot even be moved away
    await expect(recording.finish('stopped')).rejects.toThrow('EIO');
    await recording.abandon();
    disk.before = () => undefined;
    expect(await openFile(place)).toHaveLength(1);
    await recordings.begin(front);
    expect(recordings.reader.segments.totalBytes()).toBe(0);
    expect(await readdir(join(place.storageDir, front, 'quarantine'))).toHaveLength(1);
    expect(await recordings.check()).toEqual([]);
    await recordings.crash();
  });
});

/** Where each fragment of a run's only segment ends, found out at a copy. */
async function fragmentEnds(original: Place, run: RunId): Promise<number[]> {
  await using place = await original.copy();
  const recordings = new Recordings(place);
  await recordings.begin(front);
  const [segment] = recordings.reader.segments.ofRun(recordings.reader.runs.get(front, run)!, 0, 1);
  await recordings.crash();
  return decodeFragmentTable(segment!.fragments).map(({ offset, sizeBytes }) => offset + sizeBytes);
}
