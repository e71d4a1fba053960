import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FragmentEntry } from './fragment-table.js';
import { decodeFragmentTable, encodeFragmentTable } from './fragment-table.js';

const entry = fc.record<FragmentEntry>({
  number: fc.nat(2 ** 32 - 1),
  offset: fc.maxSafeNat().map((n) => Math.floor(n / 8)),
  sizeBytes: fc.nat(2 ** 31 - 1),
  startTicks: fc.maxSafeNat().map((n) => Math.floor(n / 8)),
  durationTicks: fc.nat(2 ** 32 - 1),
  startsWithSync: fc.boolean(),
});

/** Ten seconds of one-second fragments, as recorders make them. */
const usual: FragmentEntry[] = Array.from({ length: 10 }, (_, i) => ({
  number: 145 + i,
  offset: 1_900 + i * 500_000,
  sizeBytes: 500_000,
  startTicks: 2 ** 40 + i * 90_000,
  durationTicks: 90_000,
  startsWithSync: i % 2 === 0,
}));

describe(decodeFragmentTable, () => {
  it('reads back every table', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 40 }), (table) => {
        expect(decodeFragmentTable(encodeFragmentTable(table))).toEqual(table);
      }),
    );
  });

  it('is small for the tables that recorders make', () => {
    expect(decodeFragmentTable(encodeFragmentTable(usual))).toEqual(usual);
    expect(encodeFragmentTable(usual).length).toBeLessThan(100);
  });

  it('refuses every table that is cut off', () => {
    const bytes = encodeFragmentTable(usual);
    for (let length = 0; length < bytes.length; length++)
      expect(() => decodeFragmentTable(bytes.subarray(0, length))).toThrow(
        expect.objectContaining({ code: 'MP4_INVALID' }),
      );
  });

  it('makes of any bytes a table or an error of ours', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        bytes[0] = 1;
        try {
          for (const row of decodeFragmentTable(bytes)) expect(row.sizeBytes).toBeGreaterThanOrEqual(0);
        } catch (thrown) {
          expect(thrown).toHaveProperty('code', 'MP4_INVALID');
        }
      }),
    );
  });

  it.each([
    ['a later version', [2, 0], 'MP4_UNSUPPORTED'],
    ['more rows than there can be', [1, 0xff, 0xff, 0xff, 0x7f], 'MP4_INVALID'],
    ['bytes behind the table', [1, 0, 0], 'MP4_INVALID'],
    ['an endless number', [1, ...Array<number>(20).fill(0xff)], 'MP4_INVALID'],
    ['a negative number', [1, 1, 1, 0, 0, 0, 0], 'MP4_INVALID'],
  ])('refuses %s', (_note, bytes, code) => {
    expect(() => decodeFragmentTable(Uint8Array.from(bytes))).toThrow(expect.objectContaining({ code }));
  });
});
