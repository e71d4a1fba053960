import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { nearestName, slipsBetween } from './nearest-name.js';

describe('slipsBetween', () => {
  test.each([
    ['', '', 0],
    ['abc', 'abc', 0],
    ['abc', 'abd', 1],
    ['abc', 'acb', 1],
    ['abc', 'ab', 1],
    ['abc', 'xabc', 1],
    ['segmnt', 'segment', 1],
    ['kitten', 'sitting', 3],
  ])('from %j to %j is %i', (a, b, slips) => {
    expect(slipsBetween(a, b)).toBe(slips);
  });

  it('is the same both ways and never more than the longer word', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (a, b) => {
        expect(slipsBetween(a, b)).toBe(slipsBetween(b, a));
        expect(slipsBetween(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length));
      }),
    );
  });
});

describe('nearestName', () => {
  const names = ['maxSize', 'maxAge', 'minFree', 'whenFull'];
  test.each([
    ['max_size', 'maxSize'],
    ['MAXSIZE', 'maxSize'],
    ['maxAeg', 'maxAge'],
    ['minfre', 'minFree'],
    ['colour', undefined],
    ['', undefined],
  ])('for %j is %s', (typed, expected) => {
    expect(nearestName(typed, names)).toBe(expected);
  });

  it('has nothing to offer without names, and takes no age over a pasted page', () => {
    expect(nearestName('x', [])).toBeUndefined();
    expect(nearestName('x'.repeat(1_000_000), names)).toBeUndefined();
  });
});
