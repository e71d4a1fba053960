import { describe, expect, it } from 'vitest';
import { frontierOf } from './frontier-policy.js';

const NOW = 1_787_414_400_000;

describe(frontierOf, () => {
  it('leaves out what a connected vehicle has not told yet', () => {
    expect(frontierOf({ connected: true, asOfMs: NOW - 1_200 }, NOW)).toBe(NOW - 1_200);
  });

  it('is now for a vehicle that is away', () => {
    expect(frontierOf({ connected: false, asOfMs: NOW - 1_200 }, NOW)).toBe(NOW);
  });

  it('is now for a vehicle that has only just come back, or has never said anything of the lens', () => {
    expect(frontierOf({ connected: true, asOfMs: NOW - 20_000 }, NOW)).toBe(NOW);
    expect(frontierOf({ connected: true, asOfMs: undefined }, NOW)).toBe(NOW);
  });

  it('is never later than now, whatever the clock of a vehicle says', () => {
    expect(frontierOf({ connected: true, asOfMs: NOW + 5_000 }, NOW)).toBe(NOW);
  });
});
