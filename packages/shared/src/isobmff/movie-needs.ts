import type { Range } from '../interval/index.js';
import { overlaps } from '../interval/index.js';

/** What is known of a stored segment without reading it. */
export interface StoredSegment extends Range {
  readonly startsWithSync: boolean;
}

/**
 * Which segments have to be read to make a movie of a range: those in it, those before it that decoding needs, and one
 * more on each side, since sound lies in the files a little before or behind its pictures.
 *
 * @param segments in order of time
 * @returns indexes `[first, end)`; an empty span when no segment is in the range
 */
export function segmentsForMovie(
  segments: readonly StoredSegment[],
  range: Range,
): { readonly first: number; readonly end: number } {
  const firstInside = segments.findIndex((segment) => overlaps(segment, range));
  if (firstInside < 0) return { first: 0, end: 0 };
  const lastInside = segments.findLastIndex((segment) => overlaps(segment, range));
  let first = firstInside;
  while (first > 0 && !segments[first]!.startsWithSync) first--;
  return { first: Math.max(0, first - 1), end: Math.min(segments.length, lastInside + 2) };
}
