import { describe, expect, it } from 'vitest';
import type { MadeMovie, Packet, RecipeName } from '../../../../fixtures/media/index.js';
import {
  cutSegments,
  framesOf,
  loaded,
  made,
  makeMovie,
  packetsOf,
  pairsOf,
  recorded,
  recordingOf,
  sourceFile,
  streamsOf,
} from '../../../../fixtures/media/index.js';
import { readFile } from 'node:fs/promises';
import { buildMovie } from './movie-builder.js';

const START_MS = Date.UTC(2026, 7, 22, 16);

/** A movie of `[from, to)`, in milliseconds of the recording. */
async function movieOf(
  name: RecipeName,
  from: number,
  to: number,
  mode: 'exact' | 'keyframe',
): Promise<MadeMovie> {
  const segments = cutSegments(await recorded(name), { startMs: START_MS });
  return (await makeMovie({ segments, startMs: START_MS + from, endMs: START_MS + to, mode }))!;
}

/**
 * Holds a movie's packets against those of the source: the same bytes in the same order without a hole, all moved by
 * the same time.
 *
 * @returns by how much they were moved, in seconds
 */
async function requireSamePackets(path: string, source: string, kind: 'v' | 'a'): Promise<number> {
  const ours = await packetsOf(path, kind);
  const all = await packetsOf(source, kind);
  const begin = all.findIndex(({ hash }) => hash === ours[0]!.hash);
  expect(begin).toBeGreaterThanOrEqual(0);
  // With open GOPs, pictures that are shown before the first sync sample cannot be decoded and are left out.
  const lead = all.slice(begin + 1).findIndex(({ pts }) => pts > all[begin]!.pts);
  const theirs = [all[begin]!, ...all.slice(begin + 1 + lead)].slice(0, ours.length);
  const essence = ({ hash, key }: Packet) => ({ hash, key });
  expect(ours.map(essence)).toEqual(theirs.map(essence));
  const shifts = ours.map(({ pts }, i) => theirs[i]!.pts - pts);
  expect(Math.max(...shifts) - Math.min(...shifts)).toBeLessThan(2e-6); // ffprobe prints microseconds
  return shifts[0]!;
}

describe(buildMovie, () => {
  it('keeps every frame, of sound too, where it follows a corrected clock', async () => {
    // By 500 ppm a segment of 12 s begins 6 ms sooner than the one before it ends: after two, the movie is set right by 12 ms.
    const segments = cutSegments(await recorded('longGop'), { startMs: START_MS, ppm: -500 });
    const { path } = (await makeMovie({
      ...{ segments, startMs: START_MS, endMs: START_MS + 60_000, mode: 'exact' },
    }))!;
    for (const kind of ['v', 'a'] as const) {
      const hashes = async (file: string) => (await packetsOf(file, kind)).map(({ hash }) => hash);
      expect(await hashes(path)).toEqual(await hashes(await sourceFile('longGop')));
    }
  });

  it.each<{ name: RecipeName; from: number; to: number }>([
    { name: 'h264', from: 7_000, to: 14_000 },
    { name: 'h264', from: 3_217, to: 17_911 },
    { name: 'h264', from: 0, to: 20_000 },
    { name: 'h264NoB', from: 5_500, to: 13_300 },
    { name: 'ntsc', from: 4_100, to: 15_701 },
    { name: 'longGop', from: 11_000, to: 23_500 },
    { name: 'silent', from: 2_345, to: 8_000 },
    { name: 'openGop', from: 3_970, to: 11_950 },
    { name: 'openGop', from: 5_000, to: 12_100 },
    { name: 'h265', from: 3_000, to: 9_999 },
    { name: 'h265OpenGop', from: 3_950, to: 9_000 },
  ])('shows exactly $from to $to of $name', async ({ name, from, to }) => {
    const { movie, path } = await movieOf(name, from, to, 'exact');
    const source = await sourceFile(name);
    const shownTimes = (await packetsOf(source, 'v')).map(({ pts }) => pts);
    const firstPicture = Math.min(...shownTimes.filter((pts) => pts >= from / 1000));
    const startMs = START_MS + Math.round(firstPicture * 1000);
    expect(movie).toMatchObject({ startMs, endMs: START_MS + to, gaps: [] });
    expect(movie.coveredMs).toBe(movie.endMs - movie.startMs);

    const pictureShift = await requireSamePackets(path, source, 'v');
    expect(pictureShift).toBeCloseTo(firstPicture, 4);
    if (movie.codecs.length === 2) {
      const soundShift = await requireSamePackets(path, source, 'a');
      expect(Math.abs(soundShift - pictureShift)).toBeLessThan(1 / 44_100);
    }

    const ours = await framesOf(path);
    // Not by -ss and -t: those lose pictures where GOPs are open, and are a picture off at the end.
    const theirs = (await framesOf(source)).filter(({ pts }) => pts >= from / 1000 && pts < to / 1000);
    expect(ours.map(({ hash }) => hash)).toEqual(theirs.map(({ hash }) => hash));
    expect(ours[0]!.pts).toBe(0);
  });

  it.each<{ name: RecipeName; from: number; to: number; snapped: [number, number] }>([
    { name: 'h264', from: 7_000, to: 13_500, snapped: [6_000, 14_000] },
    { name: 'h264', from: 6_000, to: 14_000, snapped: [6_000, 14_000] },
    { name: 'longGop', from: 11_000, to: 13_000, snapped: [0, 24_000] },
    { name: 'openGop', from: 5_000, to: 11_000, snapped: [4_000, 12_000] },
    { name: 'h264', from: 17_000, to: 19_500, snapped: [16_000, 20_000] },
  ])('widens $from to $to of $name to keyframes', async ({ name, from, to, snapped }) => {
    const { movie, path } = await movieOf(name, from, to, 'keyframe');
    const [first, last] = snapped;
    expect(movie).toMatchObject({ startMs: START_MS + first, endMs: START_MS + last, gaps: [] });
    const source = await sourceFile(name);
    expect(await requireSamePackets(path, source, 'v')).toBeCloseTo(first / 1000, 4);
    const ours = await framesOf(path);
    const theirs = (await framesOf(source)).filter(({ pts }) => pts >= first / 1000 && pts < last / 1000);
    expect(ours.map(({ hash }) => hash)).toEqual(theirs.map(({ hash }) => hash));
    expect((await packetsOf(path, 'v'))[0]).toMatchObject({ key: true, discard: false });
  });

  it('is a file that ffprobe finds no fault in', async () => {
    const { path } = await movieOf('h264', 2_000, 9_000, 'exact');
    const [video, audio] = await streamsOf(path);
    expect(video).toMatchObject({ codec_name: 'h264', width: 160, height: 90, duration: '7.000000' });
    expect(audio).toMatchObject({
      codec_name: 'aac',
      sample_rate: '48000',
      channels: 1,
      duration: '7.000000',
    });
  });

  it('gives the same bytes for the same request', async () => {
    const once = await movieOf('h265', 1_000, 7_000, 'exact');
    const again = await movieOf('h265', 1_000, 7_000, 'exact');
    expect(Buffer.from(once.bytes).equals(again.bytes)).toBe(true);
  });

  it.each([
    { note: 'the sound', maps: ['-map', '0:v', '-map', '1:a'], kind: 'a' as const },
    { note: 'the pictures', maps: ['-map', '1:v', '-map', '0:a'], kind: 'v' as const },
  ])('keeps pictures and sound together when $note began later', async ({ maps, kind }) => {
    const source = await sourceFile('h264');
    const inputs = ['-i', source, '-itsoffset', '0.75', '-i', source];
    const late = await recordingOf(await made([...inputs, ...maps, '-c', 'copy']));
    expect((await packetsOf(late, kind))[0]!.pts).toBeGreaterThan(0.7);
    const segments = cutSegments(await readFile(late), { startMs: START_MS });
    const { path } = (await makeMovie({ segments, startMs: START_MS, endMs: START_MS + 6_000 }))!;
    const shiftOf = async (which: 'v' | 'a') =>
      (await pairsOf(path, late, which)).map(({ ours, theirs }) => theirs.pts - ours.pts);
    const shifts = [...(await shiftOf('v')), ...(await shiftOf('a'))];
    // A recorder keeps the wait for the later track in milliseconds, which is as exact as it gets.
    expect(Math.max(...shifts) - Math.min(...shifts)).toBeLessThan(0.001);
  });

  it('is made of sound alone where there are no pictures', async () => {
    const sound = await recordingOf(await sourceFile('h264'), '-vn');
    const segments = cutSegments(await readFile(sound), { startMs: START_MS });
    const { movie, path } = (await makeMovie({
      segments,
      startMs: START_MS + 2_500,
      endMs: START_MS + 9_000,
    }))!;
    expect(movie).toMatchObject({ codecs: ['mp4a.40.2'], gaps: [] });
    expect(await streamsOf(path)).toMatchObject([{ codec_name: 'aac' }]);
    for (const { ours, theirs } of await pairsOf(path, sound, 'a'))
      expect(theirs.pts - ours.pts).toBeCloseTo((movie.startMs - START_MS) / 1000, 3);
  });

  it('shows the picture that stands when a range lies between two', async () => {
    const { movie } = await movieOf('longGop', 10_010, 10_060, 'exact'); // 15 pictures a second
    expect(movie).toMatchObject({ startMs: START_MS + 10_000, endMs: START_MS + 10_060, gaps: [] });
  });

  it('is nothing where there is nothing to show', async () => {
    const segments = cutSegments(await recorded('silent'), { startMs: START_MS });
    expect(await makeMovie({ segments, startMs: START_MS - 5_000, endMs: START_MS })).toBeUndefined();
    expect(
      await makeMovie({ segments, startMs: START_MS + 12_000, endMs: START_MS + 15_000 }),
    ).toBeUndefined();
    expect(await makeMovie({ segments: [], startMs: START_MS, endMs: START_MS + 1_000 })).toBeUndefined();
  });

  it('takes only the bytes that it needs', async () => {
    const segments = cutSegments(await recorded('h264'), { startMs: START_MS });
    const range = { startMs: START_MS + 8_500, endMs: START_MS + 9_500 };
    const movie = buildMovie({ segments: await loaded(segments), range, mode: 'exact' })!;
    expect(movie.parts.length).toBeLessThanOrEqual(8);
    expect(new Set(movie.parts.map(({ segment }) => segment))).toEqual(new Set([2]));
    expect(movie.sizeBytes).toBeLessThan(110_000);
  });
});
