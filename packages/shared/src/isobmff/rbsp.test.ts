import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BitReader, BitWriter, contentBits, escapeNal, unescapeNal } from './rbsp.js';

describe(escapeNal, () => {
  it.each([
    ['000003', '00000303'],
    ['00000001', '0000030001'],
    ['0000000000', '00000300000300'],
    ['000004', '000004'],
  ])('keeps start codes out of %s', (plain, escaped) => {
    expect(Buffer.from(escapeNal(Buffer.from(plain, 'hex'))).toString('hex')).toBe(escaped);
  });

  it('is undone by unescapeNal', () => {
    const bytes = fc.uint8Array({ maxLength: 64, max: 4 });
    fc.assert(
      fc.property(bytes, (payload) => {
        const escaped = Buffer.from(escapeNal(payload));
        expect(Buffer.from(unescapeNal(escaped)).equals(payload)).toBe(true);
        for (const code of ['000000', '000001', '000002'])
          expect(escaped.includes(Buffer.from(code, 'hex'))).toBe(false);
      }),
    );
  });
});

describe(BitReader, () => {
  it.each([
    ['1', 0, 0],
    ['010', 1, 1],
    ['011', 2, -1],
    ['00100', 3, 2],
    ['00111', 6, -3],
  ])('reads %s as H.264 table 9-2 says', (bits, unsigned, signed) => {
    const bytes = Uint8Array.of(Number.parseInt(bits.padEnd(8, '0'), 2));
    expect(new BitReader(bytes).unsigned()).toBe(unsigned);
    expect(new BitReader(bytes).signed()).toBe(signed);
  });

  it('reads what BitWriter wrote', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(2 ** 31 - 2)), (numbers) => {
        const out = new BitWriter();
        for (const number of numbers) out.unsigned(number);
        const payload = out.finish();
        const from = new BitReader(payload);
        expect(numbers.map(() => from.unsigned())).toEqual(numbers);
        expect(from.position).toBe(contentBits(payload));
      }),
    );
  });

  it('throws at the end, and at a number without end', () => {
    expect(() => new BitReader(Uint8Array.of(0)).unsigned()).toThrow('ends inside its fields');
    expect(() => new BitReader(new Uint8Array(8)).unsigned()).toThrow('beyond 2^32');
    expect(() => contentBits(new Uint8Array(3))).toThrow('no content');
  });
});
