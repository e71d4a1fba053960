import type { DurationMs } from '@gapless/shared/time';

/**
 * How many bytes may be on their way unacknowledged. Pure: acknowledgements in, limit out.
 *
 * Rate is window over round trip until the link is full; what goes beyond stands in a queue, and everything else that
 * the vehicle sends (control messages, live video) waits in that queue too. So the window aims at a queue of
 * `TARGET_QUEUE_MS`, like LEDBAT (RFC 6817), and finds it by proportion, like FAST TCP: a write that left with `inFlight`
 * bytes under way and came back after `rtt` says that `inFlight * (base + target) / rtt` would fill the queue to the target,
 * where `base` is the round trip of the empty link. On a link that is not full `rtt` is `base`, and the window doubles.
 */
export interface WindowState {
  readonly limitBytes: number;
  /** The shortest round trip seen lately; `undefined` before the first. */
  readonly baseMs: DurationMs | undefined;
  /** When `baseMs` was last seen or confirmed. */
  readonly baseAtMs: number;
  readonly round: Round;
  /** The window is kept small for a moment, so that the empty link can be measured again. */
  readonly drain: Drain | undefined;
}

interface Round {
  readonly endsMs: number;
  /** The largest wish of any acknowledgement: the least disturbed by retransmissions. */
  readonly wishBytes: number;
}

interface Drain {
  readonly endsMs: number;
  readonly resumeBytes: number;
  readonly minMs: DurationMs;
}

/** What one acknowledgement tells. */
export interface AckSample {
  readonly nowMs: number;
  readonly rttMs: number;
  /** Bytes unacknowledged when the write left, its own included. */
  readonly inFlightBytes: number;
  /** Whether the window was what kept more from leaving. */
  readonly isFull: boolean;
}

export const MIN_WINDOW_BYTES = 64 * 1024;
/** The SSH window of ssh2: more cannot be under way in one channel. */
export const MAX_WINDOW_BYTES = 2 * 1024 * 1024;
export const INITIAL_WINDOW_BYTES = 128 * 1024;

export const TARGET_QUEUE_MS = 80;
/** A measured base is believed this long. Our own standing queue must not become the new base, hence the draining. */
const BASE_VALID_MS = 20_000;
const MIN_ROUND_MS = 20;
const MIN_DRAIN_MS = 200;

export function initialWindow(nowMs: number, limitBytes = INITIAL_WINDOW_BYTES): WindowState {
  return {
    limitBytes,
    baseMs: undefined,
    baseAtMs: nowMs,
    round: { endsMs: nowMs, wishBytes: 0 },
    drain: undefined,
  };
}

export function onAck(state: WindowState, sample: AckSample): WindowState {
  if (state.drain) return whileDraining(state, state.drain, sample);
  const isNewBase = state.baseMs === undefined || sample.rttMs <= state.baseMs;
  const baseMs = isNewBase ? sample.rttMs : state.baseMs;
  const baseAtMs = isNewBase ? sample.nowMs : state.baseAtMs;
  const wishBytes = sample.isFull
    ? Math.max(state.round.wishBytes, (sample.inFlightBytes * (baseMs + TARGET_QUEUE_MS)) / sample.rttMs)
    : state.round.wishBytes;
  const measured = { ...state, baseMs, baseAtMs, round: { ...state.round, wishBytes } };
  if (sample.nowMs < state.round.endsMs) return measured;
  return endOfRound(measured, sample, baseMs);
}

function endOfRound(state: WindowState, sample: AckSample, baseMs: DurationMs): WindowState {
  const { wishBytes } = state.round;
  const round = { endsMs: sample.nowMs + Math.max(MIN_ROUND_MS, sample.rttMs), wishBytes: 0 };
  // Without a full window nothing was learnt about the link.
  const limitBytes = wishBytes > 0 ? towards(state.limitBytes, wishBytes) : state.limitBytes;
  if (sample.nowMs - state.baseAtMs < BASE_VALID_MS || limitBytes <= MIN_WINDOW_BYTES)
    return { ...state, round, limitBytes };
  // Half of what the empty link carries in its own round trip leaves no queue.
  const emptyBytes = (0.5 * limitBytes * baseMs) / Math.max(baseMs, sample.rttMs);
  const drain: Drain = {
    endsMs: sample.nowMs + Math.max(MIN_DRAIN_MS, 2 * sample.rttMs),
    resumeBytes: limitBytes,
    minMs: Number.POSITIVE_INFINITY,
  };
  return { ...state, round, limitBytes: clamp(emptyBytes), drain };
}

/** At most double or half in a round; and half the way only, unless the window is far too small. */
function towards(limitBytes: number, wishBytes: number): number {
  const bounded = Math.min(Math.max(wishBytes, limitBytes / 2), limitBytes * 2);
  return clamp(bounded > 1.5 * limitBytes ? bounded : (limitBytes + bounded) / 2);
}

function whileDraining(state: WindowState, drain: Drain, sample: AckSample): WindowState {
  const minMs = Math.min(drain.minMs, sample.rttMs);
  if (sample.nowMs < drain.endsMs) return { ...state, drain: { ...drain, minMs } };
  return {
    limitBytes: drain.resumeBytes,
    baseMs: minMs,
    baseAtMs: sample.nowMs,
    round: { endsMs: sample.nowMs + Math.max(MIN_ROUND_MS, sample.rttMs), wishBytes: 0 },
    drain: undefined,
  };
}

function clamp(bytes: number): number {
  return Math.round(Math.min(MAX_WINDOW_BYTES, Math.max(MIN_WINDOW_BYTES, bytes)));
}
