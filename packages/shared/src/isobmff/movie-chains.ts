import type { PlacedSegment } from './movie-placement.js';

/** Samples `[first, end)` of one track of one segment; never empty. */
export interface Slice {
  /** Index of the segment. */
  readonly segment: number;
  readonly first: number;
  readonly end: number;
}

/** Slices of the primary track that decode one after the other; the very first sample is a sync sample. */
export type Chain = readonly Slice[];

/**
 * All samples that can be decoded. Where fragments are missing, or one run ends and another begins, what follows is of
 * no use up to its next sync sample: it builds on pictures that are not there.
 */
export function decodableChains(segments: readonly PlacedSegment[]): Chain[] {
  const chains: Slice[][] = [];
  let decodable = false;
  segments.forEach((placed, segment) => {
    const { table } = placed.primary;
    const breaks = breaksOf(placed);
    // A clock that was set anew moves the samples that follow; they begin a chain if they can.
    const moved = placed.originTicks !== segments[segment - 1]?.originTicks && table.sync[0] === 1;
    if (!placed.continues || moved) decodable = false;
    let first = 0;
    const close = (end: number): void => {
      if (decodable && end > first) chains.at(-1)!.push({ segment, first, end });
    };
    for (let i = 0; i < table.count; i++) {
      if (breaks.has(i)) {
        close(i);
        decodable = false;
      }
      if (decodable || table.sync[i] === 0) continue;
      decodable = true;
      first = i;
      chains.push([]);
    }
    close(table.count);
  });
  return chains;
}

/** The samples in front of which fragments are missing. */
function breaksOf({ segment, primary: { table } }: PlacedSegment): ReadonlySet<number> {
  const breaks = new Set<number>();
  const { fragments } = segment;
  for (let i = 1; i < fragments.length; i++) {
    if (fragments[i]!.number === fragments[i - 1]!.number + 1) continue;
    breaks.add(firstSampleFrom(table.decodeTicks, fragments[i]!.startTicks));
  }
  return breaks;
}

/** Index of the first sample that is decoded at `ticks` or later. */
function firstSampleFrom(decodeTicks: Float64Array, ticks: number): number {
  let low = 0;
  let high = decodeTicks.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (decodeTicks[middle]! >= ticks) high = middle;
    else low = middle + 1;
  }
  return low;
}
