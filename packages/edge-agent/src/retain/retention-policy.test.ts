import { parseLensName, parseRunId } from '@gapless/shared/ids';
import { DAY_MS, MINUTE_MS } from '@gapless/shared/time';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EvictionCandidate } from '../index/eviction-queries.js';
import type { RetentionLimits, StorageFacts } from './retention-policy.js';
import {
  ageAllowanceBytes,
  chooseForAge,
  chooseForSpace,
  excessBytes,
  roomBytes,
  shortfallBytes,
} from './retention-policy.js';

const lens = parseLensName('front');
const run = parseRunId('20260822T160000000Z-3fa9c1');

function candidates(receipted: boolean, ...seqs: readonly number[]): EvictionCandidate[] {
  return seqs.map((seq) => ({
    ...{ lens, run, seq, receipted },
    startMs: seq * 1_000,
    endMs: (seq + 1) * 1_000,
    sizeBytes: 100,
  }));
}

const facts: StorageFacts = { usedBytes: 900, openBytes: 50, growthBytes: 50, freeBytes: 5_000 };
const limits: RetentionLimits = {
  maxBytes: 1_000,
  minFreeBytes: 500,
  maxAgeMs: undefined,
  whenFull: 'evict-oldest',
};
const noneInUse = (): boolean => false;
const seqs = (chosen: readonly EvictionCandidate[]): number[] => chosen.map(({ seq }) => seq);

describe('excessBytes', () => {
  it('is nothing as long as what is there, being written and about to come fits', () => {
    expect(excessBytes(facts, limits)).toBe(0);
    expect(excessBytes({ ...facts, growthBytes: 51 }, limits)).toBe(1);
    expect(excessBytes({ ...facts, openBytes: 51 }, limits)).toBe(1);
  });

  it('keeps so much free after what is about to come', () => {
    expect(excessBytes({ ...facts, freeBytes: 550 }, limits)).toBe(0);
    expect(excessBytes({ ...facts, freeBytes: 549 }, limits)).toBe(1);
  });

  it('knows no bound of the size where none is set', () => {
    expect(excessBytes({ ...facts, usedBytes: 1e12 }, { ...limits, maxBytes: undefined })).toBe(0);
  });
});

describe('roomBytes', () => {
  it('is what the limits and the disk leave, whatever of it is taken already', () => {
    expect(roomBytes(facts, limits)).toBe(1_000);
    expect(roomBytes(facts, { ...limits, maxBytes: undefined })).toBe(5_450);
    expect(roomBytes({ ...facts, freeBytes: 20 }, limits)).toBe(470);
    expect(roomBytes({ usedBytes: 0, openBytes: 0, freeBytes: 20 }, limits)).toBe(0);
  });
});

describe('chooseForSpace', () => {
  const all = { receipted: candidates(true, 5, 6), unreceipted: candidates(false, 1, 2, 3) };

  it('takes what central has first, then the oldest of the rest', () => {
    expect(seqs(chooseForSpace(250, all, { limits, isInUse: noneInUse }))).toEqual([5, 6, 1]);
  });

  it('takes no more than is needed', () => {
    expect(chooseForSpace(0, all, { limits, isInUse: noneInUse })).toEqual([]);
    expect(seqs(chooseForSpace(100, all, { limits, isInUse: noneInUse }))).toEqual([5]);
  });

  it('lets nothing go that central does not have where recording is to stop instead', () => {
    const choice = { limits: { whenFull: 'stop-recording' as const }, isInUse: noneInUse };
    expect(seqs(chooseForSpace(9_999, all, choice))).toEqual([5, 6]);
  });

  it('passes over what is being sent', () => {
    const isInUse = ({ seq }: { seq: number }): boolean => seq === 5 || seq === 1;
    expect(seqs(chooseForSpace(250, all, { limits, isInUse }))).toEqual([6, 2, 3]);
  });

  it('frees enough or has no more to give', () => {
    fc.assert(
      fc.property(fc.nat(1_000), fc.array(fc.boolean(), { maxLength: 8 }), (bytes, inUse) => {
        const isInUse = ({ seq }: { seq: number }): boolean => inUse[seq] ?? false;
        const chosen = chooseForSpace(bytes, all, { limits, isInUse });
        const free = [...all.receipted, ...all.unreceipted].filter((one) => !isInUse(one));
        expect(chosen.every((one) => !isInUse(one))).toBe(true);
        expect(chosen.length * 100 >= bytes || chosen.length === free.length).toBe(true);
        expect((chosen.length - 1) * 100).toBeLessThan(Math.max(1, bytes));
      }),
    );
  });
});

describe('ageAllowanceBytes', () => {
  it('lets a clock that jumped ahead take at most a hundredth of the store in a minute', () => {
    expect(ageAllowanceBytes(1_000_000, 30 * DAY_MS, MINUTE_MS)).toBe(10_000);
  });

  it('keeps up with footage that may not become old', () => {
    expect(ageAllowanceBytes(1_000_000, 10 * MINUTE_MS, MINUTE_MS)).toBe(200_000);
  });
});

describe('chooseForAge', () => {
  const aged = candidates(false, 1, 2, 3);

  it('takes what the allowance covers, and one at least', () => {
    expect(seqs(chooseForAge(aged, 250, noneInUse))).toEqual([1, 2]);
    expect(seqs(chooseForAge(aged, 0, noneInUse))).toEqual([1]);
    expect(chooseForAge([], 250, noneInUse)).toEqual([]);
  });

  it('passes over what is being sent', () => {
    expect(seqs(chooseForAge(aged, 0, ({ seq }) => seq === 1))).toEqual([2]);
  });
});

describe('shortfallBytes', () => {
  it('pauses when the limits are exceeded and resumes only with room for a while', () => {
    const growing = { usedBytes: 0, openBytes: 0, growthBytes: 10, freeBytes: 1e9 };
    const small = { ...limits, maxBytes: 1_000 };
    expect(shortfallBytes({ ...growing, usedBytes: 990 }, small, false) > 0).toBe(false);
    expect(shortfallBytes({ ...growing, usedBytes: 991 }, small, false) > 0).toBe(true);
    // A tenth of what is allowed, since that is more than six times what comes.
    expect(shortfallBytes({ ...growing, usedBytes: 901 }, small, true) > 0).toBe(true);
    expect(shortfallBytes({ ...growing, usedBytes: 900 }, small, true) > 0).toBe(false);
    expect(shortfallBytes({ ...growing, growthBytes: 50, usedBytes: 701 }, small, true) > 0).toBe(true);
    expect(shortfallBytes({ ...growing, growthBytes: 50, usedBytes: 700 }, small, true) > 0).toBe(false);
  });
});
