import { describe, expect, it, test } from 'vitest';
import type { WindowState } from './window-policy.js';
import {
  initialWindow,
  MAX_WINDOW_BYTES,
  MIN_WINDOW_BYTES,
  onAck,
  TARGET_QUEUE_MS,
} from './window-policy.js';

const PIECE = 31 * 1024;

interface Link {
  readonly bytesPerMs: number;
  /** The round trip of the empty link. */
  readonly baseMs: number;
  /** Adds to the round trip of one piece, as a retransmission does. */
  readonly extraMs?: (piece: number) => number;
}

interface Result {
  readonly state: WindowState;
  /** Of what the link could have carried, in the second half of the time. */
  readonly utilisation: number;
  /** Milliseconds that a small packet would have waited in the queue, in the second half of the time. */
  readonly queueMs: readonly number[];
}

/** A saturating sender over a link with one queue, in exact arithmetic. */
function simulate(link: Link | ((nowMs: number) => Link), durationMs: number): Result {
  const at = typeof link === 'function' ? link : () => link;
  let state = initialWindow(0);
  let nowMs = 0;
  let linkFreeMs = 0;
  let inFlight = 0;
  let carried = 0;
  let piece = 0;
  let lastAckMs = 0;
  const acks: { ackMs: number; sentMs: number; inFlightBytes: number; isFull: boolean }[] = [];
  const queueMs: number[] = [];
  while (nowMs < durationMs) {
    while (inFlight === 0 || inFlight + PIECE <= state.limitBytes) {
      const { bytesPerMs, baseMs, extraMs } = at(nowMs);
      inFlight += PIECE;
      linkFreeMs = Math.max(linkFreeMs, nowMs) + PIECE / bytesPerMs;
      if (nowMs > durationMs / 2) queueMs.push(linkFreeMs - nowMs - PIECE / bytesPerMs);
      // The server answers in order: an answer that is late makes those behind it late.
      lastAckMs = Math.max(lastAckMs, linkFreeMs + baseMs + (extraMs?.(piece++) ?? 0));
      const isFull = inFlight + PIECE > state.limitBytes;
      acks.push({ ackMs: lastAckMs, sentMs: nowMs, inFlightBytes: inFlight, isFull });
    }
    const next = acks.shift()!;
    nowMs = Math.max(nowMs, next.ackMs);
    inFlight -= PIECE;
    if (nowMs > durationMs / 2 && nowMs < durationMs) carried += PIECE;
    state = onAck(state, { ...next, nowMs, rttMs: nowMs - next.sentMs });
  }
  const capacity = (at(durationMs - 1).bytesPerMs * durationMs) / 2;
  return { state, utilisation: carried / capacity, queueMs: queueMs.sort((a, b) => a - b) };
}

function percentile(sorted: readonly number[], ratio: number): number {
  return sorted[Math.floor(sorted.length * ratio)] ?? 0;
}

const mbit = (n: number): number => (n * 1e6) / 8 / 1000;

describe('the window', () => {
  test.each([
    { note: '10 Mbit/s, 80 ms', link: { bytesPerMs: mbit(10), baseMs: 80 } },
    { note: '2 Mbit/s, 60 ms', link: { bytesPerMs: mbit(2), baseMs: 60 } },
    { note: '50 Mbit/s, 100 ms', link: { bytesPerMs: mbit(50), baseMs: 100 } },
    { note: '20 Mbit/s, 30 ms', link: { bytesPerMs: mbit(20), baseMs: 30 } },
  ])('fills the link and keeps the queue short: $note', ({ link }) => {
    const { utilisation, queueMs } = simulate(link, 60_000);
    expect(utilisation).toBeGreaterThan(0.95);
    expect(percentile(queueMs, 0.5)).toBeLessThan(TARGET_QUEUE_MS * 1.5 + PIECE / link.bytesPerMs);
    expect(percentile(queueMs, 0.95)).toBeLessThan(2 * TARGET_QUEUE_MS + PIECE / link.bytesPerMs);
  });

  it('does not take its own queue for the link, however long it runs', () => {
    const { utilisation, queueMs, state } = simulate({ bytesPerMs: mbit(10), baseMs: 80 }, 20 * 60_000);
    expect(utilisation).toBeGreaterThan(0.95);
    expect(percentile(queueMs, 0.95)).toBeLessThan(2 * TARGET_QUEUE_MS);
    expect(state.baseMs).toBeLessThan(80 + 60);
  });

  it('opens fully in a depot', () => {
    const { utilisation, state } = simulate({ bytesPerMs: mbit(1000), baseMs: 0.5 }, 5_000);
    expect(state.limitBytes).toBe(MAX_WINDOW_BYTES);
    expect(utilisation).toBeGreaterThan(0.95);
  });

  it('stays at its least where even that is a long queue', () => {
    const { state } = simulate({ bytesPerMs: mbit(0.2), baseMs: 100 }, 60_000);
    expect(state.limitBytes).toBe(MIN_WINDOW_BYTES);
  });

  it('is not put off by retransmissions', () => {
    const lossy = { bytesPerMs: mbit(10), baseMs: 80, extraMs: (n: number) => (n % 9 === 0 ? 90 : 0) };
    expect(simulate(lossy, 60_000).utilisation).toBeGreaterThan(0.9);
  });

  it('follows a link whose rate changes', () => {
    const changing = (nowMs: number): Link => ({ bytesPerMs: mbit(nowMs < 30_000 ? 20 : 4), baseMs: 60 });
    const { queueMs, utilisation } = simulate(changing, 90_000);
    expect(utilisation).toBeGreaterThan(0.9);
    expect(percentile(queueMs, 0.95)).toBeLessThan(250);
  });

  it('follows a way that becomes longer', () => {
    const changing = (nowMs: number): Link => ({ bytesPerMs: mbit(10), baseMs: nowMs < 20_000 ? 40 : 200 });
    expect(simulate(changing, 120_000).utilisation).toBeGreaterThan(0.9);
  });

  it('learns nothing from a sender that had nothing to send', () => {
    let state = initialWindow(0);
    for (let nowMs = 0; nowMs < 10_000; nowMs += 100)
      state = onAck(state, { nowMs, rttMs: 50, inFlightBytes: 1000, isFull: false });
    expect(state.limitBytes).toBe(initialWindow(0).limitBytes);
  });
});
