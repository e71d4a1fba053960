import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { MadeMovie, MadeSegment, RecipeName } from '../../../../fixtures/media/index.js';
import {
  cutSegments,
  framesOf,
  makeMovie,
  pairsOf,
  recorded,
  recordingOf,
  recordingPath,
  sourceFile,
} from '../../../../fixtures/media/index.js';
import { buildMovie } from './movie-builder.js';

const START_MS = Date.UTC(2026, 7, 22, 16);
const OTHER_RUN = '20260822T160100000Z-77aa00';

async function movieOf(segments: readonly MadeSegment[], from: number, to: number): Promise<MadeMovie> {
  return (await makeMovie({ segments, startMs: START_MS + from, endMs: START_MS + to }))!;
}

const cut = async (name: RecipeName, options: Parameters<typeof cutSegments>[1] = {}) =>
  cutSegments(await recorded(name), { startMs: START_MS, ...options });

/** Gaps as `[from, to, reason]`, in milliseconds from the start. */
const gapsOf = ({ movie }: MadeMovie): unknown[] =>
  movie.gaps.map(({ startMs, endMs, reason }) => [startMs - START_MS, endMs - START_MS, reason]);

/**
 * How far each packet of the movie is from its place: its wall time in the recording, which began `runStart` seconds
 * after the start, against that in the movie, which begins `movieStart` seconds after it.
 */
async function straysOf(
  path: string,
  source: string,
  starts: { run?: number; movie?: number } = {},
): Promise<number[]> {
  const { run = 0, movie = 0 } = starts;
  const kinds = ['v', 'a'] as const;
  const pairs = (await Promise.all(kinds.map((kind) => pairsOf(path, source, kind)))).flat();
  return pairs.map(({ ours, theirs }) => Math.abs(run + theirs.pts - (movie + ours.pts)));
}

describe(buildMovie, () => {
  it('keeps the time of day over fragments that are missing, and leaves out what cannot be decoded', async () => {
    // Fragments of a second, keyframes every two: with 6 missing (5 s to 6 s), 7 begins with a keyframe.
    const segments = await cut('h264', { without: [6] });
    const made = await movieOf(segments, 1_000, 12_000);
    expect(gapsOf(made)).toEqual([[5_000, 6_000, 'missing']]);
    expect(made.movie).toMatchObject({ endMs: START_MS + 12_000, coveredMs: 10_000 });
    expect(Math.max(...(await straysOf(made.path, await sourceFile('h264'), { movie: 1 })))).toBeLessThan(
      3e-5,
    );

    // With 5 missing, what 6 has builds on it.
    const blind = await movieOf(await cut('h264', { without: [5] }), 1_000, 12_000);
    expect(gapsOf(blind)).toEqual([
      [4_000, 5_000, 'missing'],
      [5_000, 6_000, 'no-keyframe'],
    ]);
  });

  it('shows every picture that can be decoded, as it was', async () => {
    const { path } = await movieOf(await cut('h264', { without: [5, 9] }), 0, 14_000);
    const lost = (pts: number): boolean => (pts >= 4 && pts < 6) || (pts >= 8 && pts < 10) || pts >= 14;
    const theirs = (await framesOf(await sourceFile('h264'))).filter(({ pts }) => !lost(pts));
    expect((await framesOf(path)).map(({ hash }) => hash)).toEqual(theirs.map(({ hash }) => hash));
  });

  it('begins with the first picture when the range begins in a gap', async () => {
    const made = await movieOf(await cut('h264', { without: [1, 2, 3, 4] }), 1_000, 7_000);
    expect(made.movie.startMs).toBe(START_MS + 4_000);
    expect(gapsOf(made)).toEqual([[1_000, 4_000, 'missing']]);
  });

  it('ends with the last picture when the range ends in a gap', async () => {
    const made = await movieOf(await cut('silent'), 10_000, 15_000);
    expect(made.movie.endMs).toBe(START_MS + 12_000);
    expect(gapsOf(made)).toEqual([[12_000, 15_000, 'missing']]);
  });

  it('goes from one run to the next', async () => {
    const first = await cut('h264');
    const second = await cut('h264', { startMs: START_MS + 23_456, run: OTHER_RUN });
    const made = await movieOf([...first, ...second], 18_000, 30_000);
    expect(gapsOf(made)).toEqual([[20_000, 23_456, 'missing']]);
    const frames = await framesOf(made.path);
    expect(frames).toHaveLength(60 + 197);
    expect(frames.find(({ pts }) => pts > 2)!.pts).toBeCloseTo(5.456, 1);
  });

  it('brings runs with other clocks onto one timescale', async () => {
    const source = await sourceFile('h264');
    const other = await recordingOf(source, '-video_track_timescale', '90000');
    const second = cutSegments(await readFile(other), { startMs: START_MS + 21_000, run: OTHER_RUN });
    const made = await movieOf([...(await cut('h264')), ...second], 19_000, 30_000);
    expect(gapsOf(made)).toEqual([[20_000, 21_000, 'missing']]);
    const later = (await pairsOf(made.path, source, 'v')).filter(({ ours }) => ours.pts >= 2);
    for (const { ours, theirs } of later) expect(ours.pts + 19).toBeCloseTo(theirs.pts + 21, 3);
  });

  it('lets a run that overtakes another take over, pictures and sound', async () => {
    const first = await cut('h264');
    const second = await cut('h264', { startMs: START_MS + 15_000, run: OTHER_RUN });
    const made = await movieOf([...first, ...second], 10_000, 20_000);
    expect(made.movie).toMatchObject({ gaps: [], coveredMs: 10_000 });
    const source = await framesOf(await sourceFile('h264'));
    const shown = (await framesOf(made.path)).map(
      ({ hash }) => source.find((frame) => frame.hash === hash)!.pts,
    );
    const took = shown.findIndex((pts) => pts < 1);
    // Up to two pictures before the takeover build on one behind it.
    expect(took).toBeGreaterThanOrEqual(148);
    expect(shown.slice(0, took).every((pts, i) => Math.abs(pts - 10 - i / 30) < 1e-3)).toBe(true);
    expect(shown.slice(took)).toHaveLength(150);
    expect(shown.slice(took).every((pts, i) => Math.abs(pts - i / 30) < 1e-3)).toBe(true);
    const sound = await pairsOf(made.path, await sourceFile('h264'), 'a');
    const times = sound.map(({ ours }) => ours.pts);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(sound.filter(({ ours, theirs }) => ours.pts > 5.1 && theirs.pts > 5.1)).toEqual([]);
  });

  it('stops where the camera changes its format, and says so', async () => {
    const larger = await cut('larger', { startMs: START_MS + 20_000, run: OTHER_RUN });
    const made = await movieOf([...(await cut('h264')), ...larger], 15_000, 30_000);
    expect(made.movie.endMs).toBe(START_MS + 20_000);
    expect(gapsOf(made)).toEqual([
      [20_000, 28_000, 'codec-change'],
      [28_000, 30_000, 'missing'],
    ]);
    const rest = await movieOf(larger, 20_000, 30_000);
    expect(gapsOf(rest)).toEqual([[28_000, 30_000, 'missing']]);
  });

  it('is not put off by bit rates, which muxers note in the configuration', async () => {
    const source = await sourceFile('ntsc');
    const part = await recordingOf(source, '-ss', '7');
    const second = cutSegments(await readFile(part), { startMs: START_MS + 25_000, run: OTHER_RUN });
    const first = await cut('ntsc');
    expect(Buffer.from(second[0]!.init).equals(first[0]!.init)).toBe(false);
    expect(gapsOf(await movieOf([...first, ...second], 15_000, 30_000))).toEqual([
      [19_987, 25_000, 'missing'],
    ]);
  });

  it('follows the wall clock when the media clock drifts from it', async () => {
    // 500 ppm are 10 ms in 20 s; segment by segment the wall time is that of each segment's own clock.
    const segments = (await cut('h264', { ppm: 500 })).map((segment) => segment);
    const later = await cut('h264', { ppm: 500, startMs: START_MS + 20_010, run: OTHER_RUN });
    const made = await movieOf([...segments, ...later], 0, 40_000);
    expect(made.movie.coveredMs).toBeGreaterThan(39_980);
    for (const { ours, theirs } of await pairsOf(made.path, await recordingPath('h264'), 'v')) {
      const wall = (theirs.pts * 1.0005) % 20.01;
      const inRun = ours.pts % 20.01;
      expect(Math.abs(inRun - wall)).toBeLessThan(0.0211);
    }
  });
});
