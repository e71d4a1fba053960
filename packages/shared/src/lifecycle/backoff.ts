import type { Random } from '../ids/index.js';
import type { DurationMs } from '../time/index.js';

export interface BackoffPolicy {
  /** Upper bound of the first wait. */
  readonly baseMs: DurationMs;
  /** Upper bound of every wait. */
  readonly capMs: DurationMs;
}

/**
 * Full jitter, drawn *after* the cap: uniform in `[0, min(cap, base * 2^attempt))`. Jitter before the cap would make
 * every client at the cap wait the same time, and a fleet would come back in step.
 *
 * @param attempt 0 for the wait after the first failure
 */
export function fullJitter(policy: BackoffPolicy, attempt: number, random: Random): DurationMs {
  const ceiling = Math.min(policy.capMs, policy.baseMs * 2 ** Math.min(attempt, 30));
  return Math.floor(random.fraction() * ceiling);
}
