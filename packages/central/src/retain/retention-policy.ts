import type { Range } from '@gapless/shared/interval';
import { RangeSet } from '@gapless/shared/interval';
import type { DurationMs, EpochMs } from '@gapless/shared/time';
import { PLAUSIBLE_FROM_MS } from '@gapless/shared/time';

/** How much footage central keeps; without a bound it keeps everything. */
export interface RetentionBounds {
  /** Footage that is older is given up. */
  readonly maxAgeMs: DurationMs | undefined;
  /** The footage takes no more than this; the oldest is given up first. */
  readonly maxBytes: number | undefined;
}

/** What could be given up next. */
export interface Candidate {
  readonly id: number;
  readonly ageFromMs: EpochMs;
  readonly sizeBytes: number;
}

export interface RetentionFacts {
  readonly nowMs: EpochMs;
  readonly storedBytes: number;
  /** The oldest first. */
  readonly oldest: readonly Candidate[];
  readonly isHeld: (id: number) => boolean;
}

/** Which of the oldest objects are given up now: those beyond the age, and as many as exceed the size. Held ones stay. */
export function toGiveUp(bounds: RetentionBounds, facts: RetentionFacts): Candidate[] {
  const { nowMs, storedBytes, oldest, isHeld } = facts;
  const ageLimitMs = bounds.maxAgeMs === undefined ? -Infinity : nowMs - bounds.maxAgeMs;
  let excessBytes = bounds.maxBytes === undefined ? 0 : storedBytes - bounds.maxBytes;
  const chosen: Candidate[] = [];
  for (const candidate of oldest) {
    if (candidate.ageFromMs > ageLimitMs && excessBytes <= 0) break;
    if (isHeld(candidate.id)) continue;
    chosen.push(candidate);
    excessBytes -= candidate.sizeBytes;
  }
  return chosen;
}

/**
 * Nothing from before this instant is fetched, because it would be given up at once: what is beyond the age, and what is
 * older than what had to go for want of space.
 *
 * @param fullUpToMs how far back there was no space; undefined while there is
 */
export function keptFromMs(
  bounds: RetentionBounds,
  nowMs: EpochMs,
  fullUpToMs: EpochMs | undefined,
): EpochMs {
  const byAge = bounds.maxAgeMs === undefined ? PLAUSIBLE_FROM_MS : nowMs - bounds.maxAgeMs;
  return Math.max(PLAUSIBLE_FROM_MS, byAge, fullUpToMs ?? PLAUSIBLE_FROM_MS);
}

/** What is never asked for of a window: what was given up, and what would be at once. */
export function notKeptOf(expired: RangeSet, window: Range, keptMs: EpochMs): RangeSet {
  const startMs = Math.max(PLAUSIBLE_FROM_MS, window.startMs);
  const endMs = Math.min(keptMs, window.endMs);
  return startMs < endMs ? expired.union(RangeSet.of({ startMs, endMs })) : expired;
}
