import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Relocation } from './relocation.js';

describe('Relocation', () => {
  const relocation = new Relocation([
    { from: 10, to: 20 },
    { from: 20, to: 25 },
    { from: 40, to: 50 },
  ]);

  it('moves what stands behind padding, and nothing else', () => {
    expect([0, 9, 10, 25, 39, 40, 50, 60].map((offset) => relocation.moved(offset))).toEqual([
      0, 9, 10, 10, 24, 25, 25, 35,
    ]);
    expect(relocation.removedBytes).toBe(25);
  });

  it('knows the start of padding as the place where it was, and its inside not at all', () => {
    expect(relocation.moved(20)).toBe(10);
    expect([11, 19, 24, 45].map((offset) => relocation.moved(offset))).toEqual(Array(4).fill(undefined));
  });

  it('says which bytes go', () => {
    expect(relocation.touches(0, 10)).toBe(false);
    expect(relocation.touches(25, 40)).toBe(false);
    expect(relocation.touches(15, 15)).toBe(false);
    expect(relocation.touches(9, 11)).toBe(true);
    expect(relocation.touches(39, 60)).toBe(true);
    expect(relocation.touches(44, 46)).toBe(true);
  });

  it('agrees with counting the bytes that are left', () => {
    const byte = fc.constantFrom('keep', 'drop');
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 60 }), (bytes) => {
        const removed = bytes.flatMap((what, i) => (what === 'drop' ? [{ from: i, to: i + 1 }] : []));
        const counted = new Relocation(removed);
        let kept = 0;
        bytes.forEach((what, i) => {
          assert.equal(counted.moved(i), kept);
          assert.equal(counted.touches(i, i + 1), what === 'drop');
          if (what === 'keep') kept++;
        });
      }),
    );
  });
});
