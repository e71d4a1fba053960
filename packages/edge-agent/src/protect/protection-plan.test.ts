import { parseLensName } from '@gapless/shared/ids';
import type { Range } from '@gapless/shared/interval';
import { RangeSet } from '@gapless/shared/interval';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ProtectionChange } from '../index/protection-writer.js';
import type { ProtectionRecord } from '../index/rows.js';
import { planProtect, planUnprotect } from './protection-plan.js';

const lens = parseLensName('front');

function pin(startMs: number, endMs: number, more: Partial<ProtectionRecord> = {}): ProtectionRecord {
  return { lens, startMs, endMs, holder: 'police', reason: 'r', madeMs: 1, expiresMs: undefined, ...more };
}

function apply(pins: readonly ProtectionRecord[], change: ProtectionChange): ProtectionRecord[] {
  return [...pins.filter((one) => !change.remove.includes(one)), ...change.add];
}

/** Pins as text: `0-5 r, 7-9 r`. */
function told(pins: readonly ProtectionRecord[]): string {
  return [...pins]
    .sort((a, b) => a.startMs - b.startMs)
    .map(({ startMs, endMs, reason }) => `${startMs}-${endMs} ${reason}`)
    .join(', ');
}

describe('planProtect', () => {
  it('adds a pin beside those of others', () => {
    const pins = [pin(0, 10, { holder: 'insurer' })];
    expect(planProtect(pins, pin(0, 10))).toEqual({ remove: [], add: [pin(0, 10)] });
  });

  it('changes nothing when the same holds already', () => {
    expect(planProtect([pin(0, 10)], pin(2, 10, { madeMs: 5 }))).toEqual({ remove: [], add: [] });
  });

  it.each([
    ['joins what says the same and touches', pin(10, 12), '0-12 r'],
    ['takes the place of what says something else', pin(3, 6, { reason: 'x' }), '0-3 r, 3-6 x, 6-10 r'],
    ['replaces what lies within', pin(0, 20, { reason: 'x' }), '0-20 x'],
  ])('%s', (_, added, expected) => {
    const pins = [pin(0, 10)];
    expect(told(apply(pins, planProtect(pins, added)))).toBe(expected);
  });
});

describe('planUnprotect', () => {
  it('takes a range out of the pins of one holder and leaves the rest', () => {
    const pins = [pin(0, 10), pin(12, 20), pin(0, 20, { holder: 'insurer', reason: 'i' })];
    expect(told(apply(pins, planUnprotect(pins, 'police', { startMs: 5, endMs: 15 })))).toBe(
      '0-20 i, 0-5 r, 15-20 r',
    );
  });

  it('changes nothing where the holder has no pin', () => {
    expect(planUnprotect([pin(0, 10)], 'insurer', { startMs: 0, endMs: 10 })).toEqual({
      remove: [],
      add: [],
    });
  });
});

describe('any series of protecting and unprotecting', () => {
  const range = fc
    .tuple(fc.nat(30), fc.integer({ min: 1, max: 10 }))
    .map(([startMs, length]): Range => ({ startMs, endMs: startMs + length }));
  const act = fc.record({
    range,
    holder: fc.constantFrom('police', 'insurer'),
    reason: fc.constantFrom('a', 'b', undefined), // undefined: unprotect
  });

  it('covers for each holder just what it asked for last, with pins that never overlap', () => {
    fc.assert(
      fc.property(fc.array(act, { maxLength: 12 }), (acts) => {
        let pins: ProtectionRecord[] = [];
        const wanted = new Map<string, string | undefined>();
        for (const { range: where, holder, reason } of acts) {
          const plan =
            reason === undefined
              ? planUnprotect(pins, holder, where)
              : planProtect(pins, pin(where.startMs, where.endMs, { holder, reason }));
          pins = apply(pins, plan);
          for (let at = where.startMs; at < where.endMs; at++) wanted.set(`${holder} ${at}`, reason);
        }
        for (const holder of ['police', 'insurer']) {
          const own = pins.filter((one) => one.holder === holder);
          expect(RangeSet.from(own).totalMs).toBe(own.reduce((sum, o) => sum + o.endMs - o.startMs, 0));
          for (let at = 0; at < 45; at++) {
            const found = own.find(({ startMs, endMs }) => startMs <= at && at < endMs)?.reason;
            expect(found).toBe(wanted.get(`${holder} ${at}`));
          }
        }
      }),
    );
  });
});
