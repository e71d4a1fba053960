import { describe, expect, it, test } from 'vitest';
import { LiveWindow } from './live-window-policy.js';

interface LinkFacts {
  readonly note: string;
  readonly rateBytesPerSec: number;
  readonly rttMs: number;
}

const SLICE = 8 * 1024;

/** Sends as much as the window allows over a link with one queue; returns the rate and the longest wait in the queue. */
function run({ rateBytesPerSec, rttMs }: LinkFacts, seconds: number): { ratio: number; queueMs: number } {
  const window = new LiveWindow();
  let nowMs = 0;
  let sent = 0;
  let acked = 0;
  let freeAtMs = 0;
  let queueMs = 0;
  const acks: { atMs: number; total: number }[] = [];
  while (nowMs < seconds * 1000) {
    while (sent - acked < window.bytes) {
      sent += SLICE;
      window.sent(sent, nowMs);
      freeAtMs = Math.max(freeAtMs, nowMs) + (SLICE / rateBytesPerSec) * 1000;
      if (nowMs > 10_000) queueMs = Math.max(queueMs, freeAtMs - nowMs);
      acks.push({ atMs: freeAtMs + rttMs, total: sent });
    }
    const ack = acks.shift()!;
    nowMs = ack.atMs;
    acked = ack.total;
    window.acknowledged(acked, nowMs);
  }
  return { ratio: acked / seconds / rateBytesPerSec, queueMs };
}

describe(LiveWindow, () => {
  test.each<LinkFacts>([
    { note: 'a poor cell', rateBytesPerSec: 125_000, rttMs: 120 },
    { note: 'LTE', rateBytesPerSec: 1_250_000, rttMs: 80 },
    { note: 'a good cell', rateBytesPerSec: 6_000_000, rttMs: 50 },
    { note: 'a depot', rateBytesPerSec: 12_500_000, rttMs: 5 },
  ])('fills $note and keeps its queue short', (link) => {
    const { ratio, queueMs } = run(link, 60);
    expect(ratio).toBeGreaterThan(0.9);
    expect(queueMs).toBeLessThan(400);
  });

  it('never shrinks below what keeps the lane moving, nor grows beyond its bound', () => {
    const window = new LiveWindow();
    for (let i = 1; i < 2_000; i++) {
      window.sent(i * SLICE, i * 10);
      window.acknowledged(i * SLICE, i * 10 + (i % 2 === 0 ? 5_000 : 1));
      expect(window.bytes).toBeGreaterThanOrEqual(24 * 1024);
      expect(window.bytes).toBeLessThanOrEqual(2 * 1024 * 1024);
    }
  });
});
