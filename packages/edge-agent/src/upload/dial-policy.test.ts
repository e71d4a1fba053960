import { describe, expect, it, test } from 'vitest';
import { DEFAULT_TIMING, dialEveryMs, livenessOf, redialDelayMs } from './dial-policy.js';

const view = { nowMs: 100_000, heardMs: 100_000, unansweredSinceMs: undefined, rttMs: 50, isKicked: false };

describe('livenessOf', () => {
  test.each([
    { note: 'idle silence means nothing', change: { heardMs: 0 }, expected: 'fine' },
    { note: 'an answer is due', change: { heardMs: 0, unansweredSinceMs: 99_500 }, expected: 'fine' },
    { note: 'a second of silence', change: { heardMs: 0, unansweredSinceMs: 99_000 }, expected: 'doubtful' },
    { note: 'three seconds', change: { heardMs: 0, unansweredSinceMs: 97_000 }, expected: 'stalled' },
    { note: 'signs of life', change: { heardMs: 99_900, unansweredSinceMs: 50_000 }, expected: 'fine' },
    {
      note: 'signs of life only',
      change: { heardMs: 99_900, unansweredSinceMs: 40_000 },
      expected: 'stalled',
    },
    {
      note: 'a link on which a piece takes seconds',
      change: { heardMs: 95_000, unansweredSinceMs: 94_000, rttMs: 4000 },
      expected: 'doubtful',
    },
    {
      note: 'silence when the link is said to be back',
      change: { heardMs: 0, unansweredSinceMs: 98_900, isKicked: true },
      expected: 'stalled',
    },
  ])('$expected: $note', ({ change, expected }) => {
    expect(livenessOf({ ...view, ...change }, DEFAULT_TIMING)).toBe(expected);
  });
});

describe('dialling', () => {
  it('is frequent while an outage is young, and never stops', () => {
    expect(dialEveryMs(0, DEFAULT_TIMING)).toBe(500);
    expect(dialEveryMs(45_000, DEFAULT_TIMING)).toBe(500);
    expect(dialEveryMs(5 * 60_000, DEFAULT_TIMING)).toBe(2000);
    expect(dialEveryMs(24 * 3_600_000, DEFAULT_TIMING)).toBe(10_000);
  });

  it('spreads a fleet after a restart, and more so if connections do not last', () => {
    const random = { bytes: () => new Uint8Array(), fraction: () => 0.999 };
    expect(redialDelayMs(0, random)).toBeLessThan(250);
    expect(redialDelayMs(3, random)).toBeGreaterThan(1500);
    expect(redialDelayMs(50, random)).toBeLessThanOrEqual(15_000);
  });
});
