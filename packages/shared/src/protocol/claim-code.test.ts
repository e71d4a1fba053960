import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hex } from '../ids/index.js';
import type { ClaimCode } from './claim-code.js';
import { formatClaimCode, parseClaimCode } from './claim-code.js';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const codes: fc.Arbitrary<ClaimCode> = fc.record({
  id: bytes(8).map(hex),
  secret: bytes(16),
  centralKeyPrefix: bytes(16).map(hex),
  hostKeyPrefix: bytes(16).map(hex),
});

describe('parseClaimCode', () => {
  it('reads what formatClaimCode wrote, however a person typed it', () => {
    fc.assert(
      fc.property(codes, (code) => {
        const text = formatClaimCode(code);
        expect(parseClaimCode(text)).toEqual(code);
        expect(parseClaimCode(text.toLowerCase().replaceAll('-', ' '))).toEqual(code);
        expect(parseClaimCode(text.replaceAll('0', 'o').replaceAll('1', 'l'))).toEqual(code);
      }),
    );
  });

  it('finds any one wrong character', () => {
    fc.assert(
      fc.property(
        codes,
        fc.nat(),
        fc.constantFrom(...Array.from('0123456789ABCDEFGHJKMNPQRSTVWXYZ')),
        (code, at, letter) => {
          const text = formatClaimCode(code).replaceAll('-', '');
          const index = at % (text.length - 1); // the last character has bits to spare
          if (text[index] === letter) return;
          const mistyped = text.slice(0, index) + letter + text.slice(index + 1);
          expect(() => parseClaimCode(mistyped)).toThrow('the claim code cannot be used');
        },
      ),
    );
  });

  it('refuses anything else', () => {
    for (const text of ['', 'ABCD-1234', 'U'.repeat(95), '0'.repeat(500)]) {
      expect(() => parseClaimCode(text)).toThrow('the claim code cannot be used');
    }
  });
});
