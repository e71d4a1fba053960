import { describe, expect, it } from 'vitest';
import { spreadMsOf } from './spread-policy.js';

describe(spreadMsOf, () => {
  it('lets a single vehicle return at once and a fleet no faster than central can greet it', () => {
    expect(spreadMsOf(0)).toBe(0);
    expect(spreadMsOf(1)).toBeLessThan(10);
    expect(spreadMsOf(1_000)).toBe(5_000);
  });

  it('keeps no vehicle away for longer than half a minute', () => {
    expect(spreadMsOf(100_000)).toBe(30_000);
  });
});
