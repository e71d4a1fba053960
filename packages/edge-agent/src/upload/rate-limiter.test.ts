import { SimulatedClock } from '@gapless/shared/time';
import { describe, expect, it } from 'vitest';
import { RateLimiter } from './rate-limiter.js';

const PIECE = 31 * 1024;

/** How many bytes a greedy sender gets through in `durationMs`. */
async function sent(limiter: RateLimiter, clock: SimulatedClock, durationMs: number): Promise<number> {
  const untilMs = clock.monotonicMs() + durationMs;
  let bytes = 0;
  while (clock.monotonicMs() < untilMs) {
    const waitMs = limiter.take(PIECE);
    if (waitMs === 0) bytes += PIECE;
    else await clock.advance(waitMs);
  }
  return bytes;
}

describe('RateLimiter', () => {
  it('lets everything through without a limit', () => {
    const limiter = new RateLimiter(new SimulatedClock());
    for (let n = 0; n < 1000; n++) expect(limiter.take(PIECE)).toBe(0);
  });

  it('keeps to the rate over time, high or low', async () => {
    for (const rate of [10_000, 200_000, 5_000_000]) {
      const clock = new SimulatedClock();
      const limiter = new RateLimiter(clock);
      limiter.set(rate);
      const bytes = await sent(limiter, clock, 20_000);
      expect(bytes).toBeGreaterThan(rate * 20 * 0.95);
      expect(bytes).toBeLessThan(rate * 20 * 1.05 + 64 * 1024 + 2 * PIECE);
    }
  });

  it('saves up no more than a quarter of a second', async () => {
    const clock = new SimulatedClock();
    const limiter = new RateLimiter(clock);
    limiter.set(4_000_000);
    await clock.advance(60_000);
    let burst = 0;
    while (limiter.take(PIECE) === 0) burst += PIECE;
    expect(burst).toBeLessThan(1_000_000 + 2 * PIECE);
    expect(burst).toBeGreaterThan(900_000);
  });

  it('is lifted at once', () => {
    const limiter = new RateLimiter(new SimulatedClock());
    limiter.set(1000);
    limiter.take(PIECE);
    expect(limiter.take(PIECE)).toBeGreaterThan(0);
    limiter.set(undefined);
    expect(limiter.take(PIECE)).toBe(0);
  });

  it('keeps to the rate that it shares with others, too', async () => {
    const clock = new SimulatedClock();
    const shared = new RateLimiter(clock);
    shared.set(400_000);
    const slow = new RateLimiter(clock, shared);
    slow.set(100_000);
    const free = new RateLimiter(clock, shared);
    const [slowBytes, freeBytes] = await Promise.all([sent(slow, clock, 60_000), sent(free, clock, 60_000)]);
    expect(slowBytes).toBeLessThan(60 * 100_000 + 200_000);
    expect(slowBytes + freeBytes).toBeLessThan(60 * 400_000 + 300_000);
    expect(slowBytes + freeBytes).toBeGreaterThan(60 * 400_000 * 0.9);
  });
});
