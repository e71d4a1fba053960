import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Holders } from './holders.js';

const range = fc
  .tuple(fc.nat(60), fc.integer({ min: 1, max: 20 }))
  .map(([startMs, length]) => ({ startMs, endMs: startMs + length }));
const byStart = (a: { startMs: number }, b: { startMs: number }): number => a.startMs - b.startMs;

describe('Holders', () => {
  it('names for each of many ranges, once each, all whose pins overlap it', () => {
    const pin = fc.tuple(range, fc.constantFrom('police', 'insurer', 'driver'));
    fc.assert(
      fc.property(fc.array(pin), fc.array(range), (pinned, asked) => {
        const pins = pinned.map(([extent, holder]) => ({ ...extent, holder })).sort(byStart);
        const holders = new Holders(pins);
        for (const { startMs, endMs } of [...asked].sort(byStart)) {
          const expected = pins.filter((one) => one.startMs < endMs && startMs < one.endMs);
          expect(holders.of(startMs, endMs)).toEqual(
            [...new Set(expected.map(({ holder }) => holder))].sort(),
          );
        }
      }),
    );
  });
});
