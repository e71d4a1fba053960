import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { beforeAll, describe, it } from 'vitest';
import type { MadeSegment } from '../../../../fixtures/media/index.js';
import { cutSegments, loaded, recorded } from '../../../../fixtures/media/index.js';
import { RangeSet } from '../interval/index.js';
import type { Box } from './box.js';
import { childrenOf, findChild, requireChild, topLevelBoxes } from './box.js';
import { parseEditList, presentationOf } from './edit-list.js';
import { Fields } from './fields.js';
import type { Movie, MovieSegment } from './movie.js';
import { buildMovie } from './movie-builder.js';

const START_MS = Date.UTC(2026, 7, 22, 16);

interface Sample {
  /** In the movie's file. */
  readonly offset: number;
  readonly sizeBytes: number;
  /** When it is shown, in milliseconds from the start of the movie. */
  readonly shownMs: number;
}

/** The samples of a track by its own tables, read without any of the code that wrote them. */
function samplesOf(trak: Box): Sample[] {
  const mdia = requireChild(trak, 'mdia');
  const stbl = requireChild(requireChild(mdia, 'minf'), 'stbl');
  const table = (type: string, columns: number, skip = 0): number[][] => {
    const fields = new Fields(requireChild(stbl, type));
    fields.skip(4 + skip);
    return Array.from({ length: fields.u32() }, () => Array.from({ length: columns }, () => fields.u32()));
  };
  const perSample = (type: string): number[] =>
    table(type, 2).flatMap(([count, value]) => Array<number>(count!).fill(value! | 0));
  const sizes = table('stsz', 1, 4).map(([size]) => size!);
  const durations = perSample('stts');
  const compositions = findChild(stbl, 'ctts') ? perSample('ctts') : sizes.map(() => 0);
  assert.equal(durations.length, sizes.length);
  assert.equal(compositions.length, sizes.length);
  const mdhd = new Fields(requireChild(mdia, 'mdhd'));
  mdhd.skip(12);
  const timescale = mdhd.u32();
  const { mediaTime, delayTicks } = presentationOf({ edits: parseEditList(trak), timescale }, 48_000);
  const perChunk = table('stsc', 3);
  const samples: Sample[] = [];
  let decodeTicks = 0;
  table('stco', 1).forEach(([chunkOffset], chunk) => {
    const entry = perChunk.findLast(([firstChunk]) => firstChunk! <= chunk + 1)!;
    let offset = chunkOffset!;
    for (let i = 0; i < entry[1]!; i++) {
      const sizeBytes = sizes[samples.length]!;
      const shownTicks = decodeTicks + compositions[samples.length]! - mediaTime + delayTicks;
      decodeTicks += durations[samples.length]!;
      samples.push({ offset, sizeBytes, shownMs: (shownTicks * 1000) / timescale });
      offset += sizeBytes;
    }
  });
  assert.equal(samples.length, sizes.length);
  return samples;
}

/** The wall time of every sample of a segment by its own clock and edit lists, by where it lies in the file. */
function wallTimesOf({ clock, init, tables }: MovieSegment): Map<number, number> {
  const times = new Map<number, number>();
  const delays = init.tracks.map((track) => presentationOf(track, init.movieTimescale));
  init.tracks.forEach((track, t) => {
    const { count, decodeTicks, compositionTicks, offset } = tables[t]!;
    const { mediaTime, delayTicks } = delays[t]!;
    for (let i = 0; i < count; i++) {
      const seconds = (decodeTicks[i]! + compositionTicks[i]! - mediaTime + delayTicks) / track.timescale;
      const sinceAnchor =
        seconds - delays[0]!.delayTicks / clock.timescale - clock.startTicks / clock.timescale;
      times.set(offset[i]!, clock.startMs + sinceAnchor * 1000 * (1 + clock.ppm / 1e6));
    }
  });
  return times;
}

function traksOf(movie: Movie): Box[] {
  const file = new Uint8Array(movie.header.length); // as if nothing followed: the mdat is left out
  file.set(movie.header);
  const ftyp = new Fields({ type: 'ftyp', userType: undefined, at: 0, bytes: file, body: file }).u32();
  const moov = [...topLevelBoxes(file.subarray(ftyp, movie.header.length - 8))][0]!;
  return [...childrenOf(moov)].filter(({ type }) => type === 'trak');
}

describe(buildMovie, () => {
  let files: MadeSegment[];
  let runs: MovieSegment[][];
  beforeAll(async () => {
    const [first, second] = [await recorded('h264'), await recorded('ntsc')];
    files = [...cutSegments(first, { fragmentsEach: 2 }), ...cutSegments(second, { fragmentsEach: 3 })];
    const all = await loaded(files);
    runs = [all.slice(0, 10), all.slice(10)];
    // The last frame of a recording is cut short by its duration alone; here it is to count like any other.
    for (const run of runs) {
      const { count, durationTicks } = run.at(-1)!.tables[1]!;
      durationTicks[count - 1] = 1024;
    }
  });

  const wish = fc.record({
    run: fc.nat(1),
    startMs: fc.integer({ min: -2_000, max: 40_000 }),
    lengthMs: fc.integer({ min: 1, max: 45_000 }),
    mode: fc.constantFrom('exact' as const, 'keyframe' as const),
    gapMs: fc.integer({ min: -8_000, max: 5_000 }),
    ppm: fc.integer({ min: -500, max: 500 }),
    lost: fc.uniqueArray(fc.nat(19), { maxLength: 8 }),
  });

  it('accounts for every byte and every millisecond, whatever is missing', () => {
    fc.assert(
      fc.property(wish, ({ run, startMs, lengthMs, mode, gapMs, ppm, lost }) => {
        // The same recording twice, as two runs with a gap or an overlap between them, and with segments lost.
        const twice = [0, 1].flatMap((time) =>
          runs[run]!.map((segment) => ({
            ...segment,
            run: `run ${time}`,
            clock: { ...segment.clock, ppm, startMs: START_MS + time * (20_000 + gapMs) },
          })),
        );
        const segments = twice.filter((_, i) => !lost.includes(i));
        const range = { startMs: START_MS + startMs, endMs: START_MS + startMs + lengthMs };
        const movie = buildMovie({ segments, range, mode });
        if (!movie) return;

        const mediaBytes = movie.parts.reduce((sum, { length }) => sum + length, 0);
        assert.equal(movie.sizeBytes, movie.header.length + mediaBytes);
        for (const { segment, offset, length } of movie.parts) {
          const last = segments[segment]!.tables.map(
            ({ offset: at, sizeBytes, count }) => at[count - 1]! + sizeBytes[count - 1]!,
          );
          assert.ok(offset > 0 && length > 0 && offset + length <= Math.max(...last));
        }

        const tracks = traksOf(movie).map(samplesOf);
        // Sound never doubles: a frame, 21 ms or more, begins when the one before it is at least half over.
        const sound = tracks[1] ?? [];
        for (let i = 1; i < sound.length; i++) assert.ok(sound[i]!.shownMs - sound[i - 1]!.shownMs > 10);
        const samples = tracks.flat().sort((x, y) => x.offset - y.offset);
        const times = segments.map(wallTimesOf);
        let end = movie.header.length;
        let part = 0;
        let partAt = end;
        for (const { offset, sizeBytes, shownMs } of samples) {
          assert.equal(offset, end);
          end += sizeBytes;
          for (; offset >= partAt + movie.parts[part]!.length; part++) partAt += movie.parts[part]!.length;
          const source = movie.parts[part]!;
          const wall = times[source.segment]!.get(source.offset + offset - partAt)!;
          // Ten milliseconds is how far a run may stray before it is set right, and what it strays in a segment.
          assert.ok(Math.abs(movie.startMs + shownMs - wall) < 10 + 6 * 500e-3 + 1);
        }
        assert.equal(end, movie.sizeBytes);

        assert.ok(movie.startMs < movie.endMs);
        if (mode === 'exact') {
          assert.ok(movie.startMs >= range.startMs - 40 && movie.endMs <= range.endMs);
        }
        const shown = RangeSet.of(movie);
        const gaps = RangeSet.from(movie.gaps);
        assert.equal(
          gaps.ranges.reduce((sum, one) => sum + one.endMs - one.startMs, 0),
          gaps.totalMs,
        );
        assert.equal(movie.coveredMs, shown.subtract(gaps).totalMs);
      }),
      { numRuns: 300 },
    );
  });
});
