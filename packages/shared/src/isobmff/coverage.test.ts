import { beforeAll, describe, expect, it } from 'vitest';
import type { MadeSegment } from '../../../../fixtures/media/index.js';
import { cutSegments, recorded } from '../../../../fixtures/media/index.js';
import { RangeSet } from '../interval/index.js';
import { memorySource } from './byte-source.js';
import { coverageOf, fragmentCoverage } from './coverage.js';
import { parseInitSegment } from './init-segment.js';
import { wallMs } from './segment-clock.js';
import { readSegmentSamples } from './segment-samples.js';

/** Samples as `[decodeTicks, durationTicks]`, at a thousand ticks a second. */
function samples(...rows: readonly (readonly [number, number])[]) {
  return {
    count: rows.length,
    decodeTicks: Float64Array.from(rows, ([decode]) => decode),
    durationTicks: Uint32Array.from(rows, ([, duration]) => duration),
  };
}

const toMs = (ticks: number): number => ticks;
const covered = (...rows: readonly (readonly [number, number])[]) =>
  coverageOf(samples(...rows), { toMs, maxSampleMs: 500 }).ranges.map(({ startMs, endMs }) => [
    startMs,
    endMs,
  ]);

describe(coverageOf, () => {
  it('covers nothing without samples', () => {
    expect(coverageOf(samples(), { toMs })).toBe(RangeSet.empty);
  });

  it('joins samples that follow each other', () => {
    expect(covered([0, 40], [40, 40], [80, 40])).toEqual([[0, 120]]);
  });

  it('leaves a hole where the next sample begins later', () => {
    expect(covered([0, 40], [40, 40], [200, 40])).toEqual([
      [0, 80],
      [200, 240],
    ]);
  });

  it('counts what is there twice once', () => {
    expect(covered([0, 40], [40, 40], [60, 40])).toEqual([[0, 100]]);
  });

  it('lets a sample that stands for silence cover only what samples last as a rule', () => {
    expect(covered([0, 40], [40, 5000], [5040, 40])).toEqual([
      [0, 80],
      [5040, 5080],
    ]);
  });

  it('lets a single endless sample cover no more than the bound', () => {
    expect(covered([0, 60_000])).toEqual([[0, 500]]);
  });

  it('rounds boundaries, never durations: 29.97 frames a second for an hour end where they must', () => {
    const count = 107_892; // an hour
    const hour = samples(...Array.from({ length: count }, (_, i) => [i * 1001, 1001] as const));
    const set = coverageOf(hour, { toMs: (ticks) => Math.round(ticks / 30) });
    expect(set.ranges).toEqual([{ startMs: 0, endMs: Math.round((count * 1001) / 30) }]);
  });

  it('gives neighbouring segments a common boundary', () => {
    const at = (ticks: number): number => Math.round(ticks / 30);
    const first = coverageOf(samples([0, 1001], [1001, 1001]), { toMs: at });
    const second = coverageOf(samples([2002, 1001]), { toMs: at });
    expect(first.union(second).ranges).toHaveLength(1);
  });
});

describe('coverage of recorded segments', () => {
  let segments: MadeSegment[];
  const coverage = async ({ bytes, identity }: MadeSegment) => {
    const { tables } = await readSegmentSamples(memorySource(bytes));
    return coverageOf(tables[0]!, { toMs: (ticks) => wallMs(identity, ticks) });
  };
  beforeAll(async () => {
    segments = cutSegments(await recorded('ntsc'), { startMs: 1_000_000 });
  });

  it('tiles the run', async () => {
    const sets = await Promise.all(segments.map(coverage));
    const all = sets.reduce((sum, set) => sum.union(set));
    expect(all.ranges).toEqual([{ startMs: 1_000_000, endMs: segments.at(-1)!.endMs }]);
    sets.forEach((set, i) => expect(set.hull!.endMs).toBe(segments[i]!.endMs));
  });

  it('has a hole exactly where a fragment is missing', async () => {
    const [segment] = cutSegments(await recorded('ntsc'), { startMs: 0, without: [3] });
    const lost = { startMs: Math.round(60_060 / 30), endMs: Math.round(90_090 / 30) };
    const hull = { startMs: 0, endMs: segment!.endMs };
    expect(await coverage(segment!)).toEqual(RangeSet.of(hull).subtract(RangeSet.of(lost)));
  });

  it('is the same fragment by fragment', async () => {
    const [segment] = segments;
    const init = parseInitSegment(segment!.init);
    const parts = segment!.fragments.map(({ bytes }) => fragmentCoverage(bytes, init, segment!.identity));
    expect(parts.reduce((sum, set) => sum.union(set))).toEqual(await coverage(segment!));
  });
});
