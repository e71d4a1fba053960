import type { Chain, Slice } from './movie-chains.js';
import type { PlacedSegment } from './movie-placement.js';
import { shownAt } from './movie-placement.js';

/** The part of a chain that begins with its last sync sample shown at or before `ticks`; all of it if there is none. */
export function fromLastSync(segments: readonly PlacedSegment[], chain: Chain, ticks: number): Chain {
  for (let s = chain.length - 1; s >= 0; s--) {
    const slice = chain[s]!;
    const { primary } = segments[slice.segment]!;
    for (let i = slice.end - 1; i >= slice.first; i--) {
      if (primary.table.sync[i] === 1 && shownAt(primary, i) <= ticks)
        return [{ ...slice, first: i }, ...chain.slice(s + 1)];
    }
  }
  return chain;
}

/**
 * A chain without the pictures that follow its sync sample but are shown before it (open GOP): they build on the
 * pictures in front of the chain, which are not there.
 */
export function withoutLeading(segments: readonly PlacedSegment[], [begin, ...rest]: Chain): Slice[] {
  const { segment, first, end } = begin!;
  const { primary } = segments[segment]!;
  const syncShown = shownAt(primary, first);
  let trailing = first + 1;
  while (trailing < end && shownAt(primary, trailing) < syncShown) trailing++;
  if (trailing === first + 1) return [begin!, ...rest];
  const sync = { segment, first, end: first + 1 };
  return trailing === end ? [sync, ...rest] : [sync, { segment, first: trailing, end }, ...rest];
}

/** Takes off the end of `slices` what comes, in decode order, behind the last sample shown before `limit`. */
export function cutBefore(segments: readonly PlacedSegment[], slices: Slice[], limit: number): void {
  for (let slice = slices.pop(); slice; slice = slices.pop()) {
    const { primary } = segments[slice.segment]!;
    for (let i = slice.end - 1; i >= slice.first; i--) {
      if (shownAt(primary, i) >= limit) continue;
      slices.push({ ...slice, end: i + 1 });
      return;
    }
  }
}

/**
 * Takes off the end of `slices` what comes, in decode order, from the first sample shown at or after `limit` on. Unlike
 * at the end of the movie nothing shown later can be hidden here, so a few pictures that build on it go as well.
 */
export function cutWhereReached(segments: readonly PlacedSegment[], slices: Slice[], limit: number): void {
  for (let slice = slices.pop(); slice; slice = slices.pop()) {
    const { primary } = segments[slice.segment]!;
    let end = slice.first;
    while (end < slice.end && shownAt(primary, end) < limit) end++;
    if (end === slice.first) continue;
    slices.push({ ...slice, end });
    return;
  }
}
