import type { DurationMs, EpochMs } from '../time/index.js';

/** A half-open stretch of time `[startMs, endMs)`; never empty. */
export interface Range {
  readonly startMs: EpochMs;
  readonly endMs: EpochMs;
}

/** Builds a range; throws a `RangeError` for one that is empty, reversed or not in whole milliseconds. */
export function range(startMs: EpochMs, endMs: EpochMs): Range {
  if (!Number.isSafeInteger(startMs) || !Number.isSafeInteger(endMs) || startMs >= endMs) {
    throw new RangeError(`not a range: [${startMs}, ${endMs})`);
  }
  return { startMs, endMs };
}

export function durationMs(r: Range): DurationMs {
  return r.endMs - r.startMs;
}

/** Whether two ranges share an instant. The only overlap test of the product. */
export function overlaps(a: Range, b: Range): boolean {
  return a.startMs < b.endMs && b.startMs < a.endMs;
}

export function contains(r: Range, instantMs: EpochMs): boolean {
  return r.startMs <= instantMs && instantMs < r.endMs;
}

/** What two ranges share; `undefined` when they share nothing. */
export function intersection(a: Range, b: Range): Range | undefined {
  const startMs = Math.max(a.startMs, b.startMs);
  const endMs = Math.min(a.endMs, b.endMs);
  return startMs < endMs ? { startMs, endMs } : undefined;
}
