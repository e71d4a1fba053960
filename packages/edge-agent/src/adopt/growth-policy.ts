import type { DurationMs, EpochMs } from '@gapless/shared/time';
import { MINUTE_MS, SECOND_MS } from '@gapless/shared/time';

/** A file as it was seen, and since when it has not changed. */
export interface Seen {
  readonly sizeBytes: number;
  readonly modifiedMs: EpochMs;
  /** By the monotonic clock. */
  readonly sinceMs: DurationMs;
}

/** Recorders write at least every second or two; one that has not written for this long is done with a file. */
export const SETTLE_MS: DurationMs = 10 * SECOND_MS;

/** What was changed so long ago need not be watched first. */
const LONG_AGO_MS: DurationMs = MINUTE_MS;

/**
 * Whether a file is finished: nobody has written to it for a while. Not its name nor the appearance of the next file says so,
 * since some recorders finish a file long after they began another.
 */
export function isSettled(
  seen: Seen,
  now: { readonly wallMs: EpochMs; readonly monotonicMs: DurationMs },
): boolean {
  const ageMs = now.wallMs - seen.modifiedMs;
  return now.monotonicMs - seen.sinceMs >= SETTLE_MS || ageMs >= LONG_AGO_MS;
}
