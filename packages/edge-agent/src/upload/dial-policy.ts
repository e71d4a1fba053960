import type { Random } from '@gapless/shared/ids';
import { fullJitter } from '@gapless/shared/lifecycle';
import type { DurationMs } from '@gapless/shared/time';
import { MINUTE_MS, SECOND_MS } from '@gapless/shared/time';

/** How the session finds a way around a link that fell silent. Tests shorten the times. */
export interface DialTiming {
  /** How often the connection is looked at. */
  readonly watchMs: DurationMs;
  /** An unanswered request and this much silence make a connection doubtful: it is asked for a sign of life. */
  readonly doubtMs: DurationMs;
  /** … and this much make it stalled: other connections are tried beside it. */
  readonly stallMs: DurationMs;
  /** A request unanswered for this long means a stuck server, whatever signs of life there are. */
  readonly stuckMs: DurationMs;
  /** Between two attempts. */
  readonly everyMs: DurationMs;
  /** Attempts under way at a time. */
  readonly maxPending: number;
}

export const DEFAULT_TIMING: DialTiming = {
  watchMs: 250,
  doubtMs: SECOND_MS,
  stallMs: 3 * SECOND_MS,
  stuckMs: MINUTE_MS,
  everyMs: 500,
  maxPending: 4,
};

export type Liveness = 'fine' | 'doubtful' | 'stalled';

export interface ConnectionView {
  readonly nowMs: number;
  /** When a byte last arrived. */
  readonly heardMs: number;
  /** When the oldest unanswered request was sent. */
  readonly unansweredSinceMs: number | undefined;
  /** The last measured round trip, queues included; 0 if there is none. */
  readonly rttMs: DurationMs;
  /** Someone who should know says that the link is back, so that silence now weighs more. */
  readonly isKicked: boolean;
}

/** Whether a connection still carries anything. Idle silence means nothing; silence after a request does. */
export function livenessOf(view: ConnectionView, timing: DialTiming): Liveness {
  const { nowMs, heardMs, unansweredSinceMs } = view;
  if (unansweredSinceMs === undefined) return 'fine';
  const silentMs = nowMs - Math.max(heardMs, unansweredSinceMs);
  if (silentMs >= stallAfterMs(view, timing) || nowMs - unansweredSinceMs >= timing.stuckMs) return 'stalled';
  return silentMs >= timing.doubtMs ? 'doubtful' : 'fine';
}

/** On a very slow link one piece alone takes seconds: what it took last time is no stall. */
function stallAfterMs({ rttMs, isKicked }: ConnectionView, timing: DialTiming): DurationMs {
  return Math.max(isKicked ? timing.doubtMs : timing.stallMs, Math.min(2 * rttMs, 5 * timing.stallMs));
}

/** The time between attempts: short while an outage is young, so that a tunnel's end is caught at once. */
export function dialEveryMs(troubleMs: DurationMs, timing: DialTiming): DurationMs {
  if (troubleMs < 2 * MINUTE_MS) return timing.everyMs;
  return troubleMs < 10 * MINUTE_MS ? 4 * timing.everyMs : 20 * timing.everyMs;
}

/** A connection that lived shorter than this counts as a failure in itself. */
export const SHORT_LIFE_MS = 5 * SECOND_MS;

/**
 * The wait before dialling again after the server closed the connection: a little chance, so that a fleet does not come
 * back in step after a restart, and more of it if the server closes each connection soon after it was made.
 */
export function redialDelayMs(shortLives: number, random: Random): DurationMs {
  return fullJitter({ baseMs: 250, capMs: 15 * SECOND_MS }, shortLives, random);
}
