import type { Random } from '@gapless/shared/ids';
import { fullJitter } from '@gapless/shared/lifecycle';
import type { DurationMs } from '@gapless/shared/time';
import { MINUTE_MS, SECOND_MS } from '@gapless/shared/time';

/**
 * How the last try to have a link ended.
 * - `silent`: nothing answers; the bearer is gone, as in a tunnel, and the next packet may get through
 * - `refused`: something answered, and it was no
 * - `closed`: central closed a working link, as when it restarts
 * - `denied`: central knows this box and does not want it
 */
export type DialFailure = 'silent' | 'refused' | 'closed' | 'denied';

export interface DialFacts {
  readonly failure: DialFailure;
  /** Failures since the last link, this one included. */
  readonly failures: number;
  /** How long there has been no link. */
  readonly downMs: DurationMs;
  /** Over how long central wants its fleet to spread its return. */
  readonly spreadMs: DurationMs;
}

/** Dials that may be under way at once: in a tunnel none of them answers, at its end the newest does. */
export const MAX_DIALS = 4;

/** A link that was silent for this long is probed by a new dial beside it. */
export const STALL_MS: DurationMs = 3 * SECOND_MS;

/** A session shorter than this does not count as a link, so that one that is closed at once is not opened at once. */
export const SHORT_SESSION_MS: DurationMs = 10 * SECOND_MS;

const REFUSED = { baseMs: SECOND_MS, capMs: 30 * SECOND_MS };

const PROBE_MS: DurationMs = 500;
const PROBING_ENDS_MS: DurationMs = 3 * MINUTE_MS;

/**
 * How long to wait before the next dial. A bearer that is gone costs nobody anything, so it is probed quickly, to be
 * back within a second of its return; whatever central has to answer is spread by full jitter, so that a fleet does
 * not come back in step.
 */
export function nextDialMs(facts: DialFacts, random: Random): DurationMs {
  const { failure, failures, downMs, spreadMs } = facts;
  switch (failure) {
    case 'silent':
      if (downMs < PROBING_ENDS_MS) return PROBE_MS;
      return fullJitter({ baseMs: 4 * SECOND_MS, capMs: 15 * SECOND_MS }, 2, random);
    case 'closed':
      // A central that closes again and again is treated like one that refuses.
      return (
        Math.floor(random.fraction() * spreadMs) +
        (failures > 1 ? fullJitter(REFUSED, failures - 2, random) : 0)
      );
    case 'refused':
      return fullJitter(REFUSED, failures - 1, random);
    case 'denied':
      return MINUTE_MS + fullJitter({ baseMs: MINUTE_MS, capMs: 4 * MINUTE_MS }, failures - 1, random);
  }
}
