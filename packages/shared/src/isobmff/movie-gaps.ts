import type { Range } from '../interval/index.js';
import { partition, RangeSet } from '../interval/index.js';
import type { DurationMs, EpochMs } from '../time/index.js';
import { coverageOf } from './coverage.js';
import type { MovieGap, MovieGapReason } from './movie.js';
import type { Chain, Slice } from './movie-chains.js';
import type { PlacedSegment } from './movie-placement.js';
import type { MoviePlan } from './movie-plan.js';
import { shownAtStart } from './movie-plan.js';

export interface GapQuestion {
  /** What was asked for. */
  readonly range: Range;
  /** What the movie shows. */
  readonly shown: Range;
  /** Ticks per second of movie time. */
  readonly timescale: number;
  readonly maxSampleMs: DurationMs;
}

/** How much of a movie is footage, and what of the range is not, with the reason. */
export function accountFor(
  segments: readonly PlacedSegment[],
  plan: MoviePlan,
  { range, shown, timescale, maxSampleMs }: GapQuestion,
): { readonly coveredMs: DurationMs; readonly gaps: readonly MovieGap[] } {
  const toMs = (movieTicks: number): EpochMs => range.startMs + Math.round((movieTicks * 1000) / timescale);
  const covering = (slices: Iterable<Slice>): RangeSet => {
    let covered = RangeSet.empty;
    for (const slice of slices) {
      const placed = segments[slice.segment]!;
      const { primary, originTicks } = placed;
      covered = covered.union(
        coverageOf(samplesOf(placed, slice), {
          toMs: (decodeTicks) => toMs(Math.round(decodeTicks * primary.scale) - originTicks),
          maxSampleMs,
        }),
      );
    }
    return covered;
  };
  // Samples are counted on the decode timeline, where an open GOP begins before its first picture is shown.
  const shownBy = (chain: Chain): RangeSet => {
    const fromMs = toMs(shownAtStart(segments, chain));
    const covered = covering(chain);
    const untilMs = covered.hull?.endMs ?? fromMs;
    return untilMs > fromMs ? covered.within({ startMs: fromMs, endMs: untilMs }) : RangeSet.empty;
  };
  const footage = plan.chains.reduce((sum, chain) => sum.union(shownBy(chain)), RangeSet.empty);
  const layers: { value: MovieGapReason | 'footage'; ranges: RangeSet }[] = [
    { value: 'footage', ranges: footage },
    { value: 'codec-change', ranges: covering(wholeFrom(segments, plan.stoppedBefore)) },
    { value: 'no-keyframe', ranges: covering(wholeFrom(segments, 0)) },
  ];
  const window = {
    startMs: Math.min(range.startMs, shown.startMs),
    endMs: Math.max(range.endMs, shown.endMs),
  };
  const gaps: MovieGap[] = [];
  for (const { value, ...stretch } of partition(window, layers, 'missing' as const)) {
    if (value !== 'footage') gaps.push({ ...stretch, reason: value });
  }
  return { coveredMs: footage.within(shown).totalMs, gaps };
}

function samplesOf({ primary: { table } }: PlacedSegment, { first, end }: Slice) {
  return {
    count: end - first,
    decodeTicks: table.decodeTicks.subarray(first, end),
    durationTicks: table.durationTicks.subarray(first, end),
  };
}

function* wholeFrom(segments: readonly PlacedSegment[], begin: number): Generator<Slice> {
  for (let segment = begin; segment < segments.length; segment++) {
    const end = segments[segment]!.primary.table.count;
    if (end > 0) yield { segment, first: 0, end };
  }
}
