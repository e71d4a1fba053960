import { describe, expect, it, test } from 'vitest';
import type { Seam } from './seam-policy.js';
import { continues, correctionPpm } from './seam-policy.js';

const init = new Uint8Array([1, 2, 3]);
const seam = (offMs: number, more: Partial<Seam['after']> = {}): Seam => ({
  before: { mediaMtx: undefined, init, endMs: 100_000 },
  after: { mediaMtx: undefined, init, startMs: 100_000 + offMs, toleranceMs: 250, ...more },
  beginsWithSync: true,
});

describe('continues', () => {
  test.each([
    [0, true],
    [-250, true],
    [250, true],
    [251, false],
    [-565, false],
  ])('a file that begins %i ms after the end of the one before: %s', (offMs, expected) => {
    expect(continues(seam(offMs))).toBe(expected);
  });

  it('is never so when the first picture cannot be decoded, or needs another init segment', () => {
    expect(continues({ ...seam(0), beginsWithSync: false })).toBe(false);
    expect(continues(seam(0, { init: new Uint8Array([1, 2, 4]) }))).toBe(false);
  });

  it('is what MediaMTX says it is', () => {
    const of = (number: number, stream = 'aa') => ({ stream, number, startMs: 0 });
    const numbered = (offMs: number, after: ReturnType<typeof of>): Seam => {
      const { before, ...rest } = seam(offMs, { mediaMtx: after });
      return { ...rest, before: { ...before, mediaMtx: of(7) } };
    };
    expect(continues(numbered(900, of(8)))).toBe(true);
    expect(continues(numbered(0, of(9)))).toBe(false);
    expect(continues(numbered(0, of(8, 'bb')))).toBe(false);
    expect(continues(numbered(1_100, of(8)))).toBe(false);
  });
});

describe('correctionPpm', () => {
  it('makes up within a file for what it is off, as far as a crystal may be off', () => {
    expect(correctionPpm(2, { lengthMs: 20_000, toleranceMs: 250 })).toBe(100);
    expect(correctionPpm(-200, { lengthMs: 20_000, toleranceMs: 250 })).toBe(-500);
  });

  it('does not follow a clock of whole seconds', () => {
    expect(correctionPpm(400, { lengthMs: 20_000, toleranceMs: 1_250 })).toBe(0);
  });
});
