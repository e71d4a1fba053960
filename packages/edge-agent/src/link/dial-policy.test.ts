import { describe, expect, it, test } from 'vitest';
import { nextDialMs } from './dial-policy.js';

const last = { bytes: () => new Uint8Array(0), fraction: () => 0.999_999 };
const first = { bytes: () => new Uint8Array(0), fraction: () => 0 };

describe('nextDialMs', () => {
  it('probes a bearer that is gone twice a second, so that the end of a tunnel is noticed at once', () => {
    expect(nextDialMs({ failure: 'silent', failures: 80, downMs: 45_000, spreadMs: 0 }, last)).toBe(500);
  });

  it('slows down when the silence lasts, as in a garage overnight', () => {
    const facts = { failure: 'silent', failures: 400, downMs: 200_000, spreadMs: 0 } as const;
    expect(nextDialMs(facts, last)).toBeGreaterThan(14_000);
    expect(nextDialMs(facts, last)).toBeLessThanOrEqual(15_000);
  });

  test.each([
    { failures: 1, atMost: 1_000 },
    { failures: 3, atMost: 4_000 },
    { failures: 30, atMost: 30_000 },
  ])('draws from the whole of [0, $atMost) after $failures refusals', ({ failures, atMost }) => {
    const facts = { failure: 'refused', failures, downMs: 0, spreadMs: 0 } as const;
    expect(nextDialMs(facts, first)).toBe(0);
    expect(nextDialMs(facts, last)).toBe(atMost - 1);
  });

  it('spreads a fleet over as long as central asked when central itself closed the link', () => {
    const facts = { failure: 'closed', failures: 1, downMs: 0, spreadMs: 25_000 } as const;
    expect(nextDialMs(facts, first)).toBe(0);
    expect(nextDialMs(facts, last)).toBe(24_999);
  });

  it('does not open a link at once that is closed at once', () => {
    const facts = { failure: 'closed', downMs: 0, spreadMs: 0 } as const;
    expect(nextDialMs({ ...facts, failures: 1 }, last)).toBe(0);
    expect(nextDialMs({ ...facts, failures: 3 }, last)).toBe(1_999);
  });

  it('leaves a central that denied it alone for at least a minute', () => {
    expect(nextDialMs({ failure: 'denied', failures: 1, downMs: 0, spreadMs: 0 }, first)).toBe(60_000);
  });
});
