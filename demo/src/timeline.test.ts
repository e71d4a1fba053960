import { describe, expect, it, test } from 'vitest';
import type { Run } from './timeline.js';
import { beginningOf, isGap, lengthWithin, verifiedUntil } from './timeline.js';

const run = (startMs: number, endMs: number, state: string, reason?: string): Run => ({
  startMs,
  endMs,
  state,
  reason,
});

describe('verifiedUntil', () => {
  test.each([
    { note: 'nothing is known', runs: [], untilMs: 0 },
    { note: 'nothing is expected', runs: [run(0, 50, 'not-expected')], untilMs: 0 },
    { note: 'all is verified', runs: [run(0, 50, 'not-expected'), run(50, 90, 'verified')], untilMs: 90 },
    {
      note: 'what follows is not expected yet',
      runs: [run(50, 90, 'verified'), run(90, 95, 'not-expected')],
      untilMs: 90,
    },
    {
      note: 'something is missing in between',
      runs: [run(0, 20, 'verified'), run(20, 30, 'missing'), run(30, 90, 'verified')],
      untilMs: 20,
    },
    { note: 'bytes have come that are not proven', runs: [run(0, 20, 'received')], untilMs: 0 },
  ])('is $untilMs when $note', ({ runs, untilMs }) => {
    expect(verifiedUntil(runs)).toBe(untilMs);
  });
});

describe('isGap', () => {
  it('is what is expected and neither here nor arriving', () => {
    const states = ['verified', 'received', 'missing', 'unknown', 'transferring', 'not-expected'];
    expect(states.filter((state) => isGap(run(0, 1, state)))).toEqual(['missing', 'unknown', 'transferring']);
  });

  it('is not what was left out on purpose', () => {
    expect(isGap(run(0, 1, 'not-recorded', 'off'))).toBe(false);
    expect(isGap(run(0, 1, 'not-recorded', 'unexplained'))).toBe(true);
  });
});

describe('lengthWithin', () => {
  it('adds up what lies inside', () => {
    const runs = [run(0, 20, 'verified'), run(40, 60, 'verified'), run(90, 95, 'verified')];
    expect(lengthWithin(runs, { startMs: 10, endMs: 50 })).toBe(20);
  });
});

describe('beginningOf', () => {
  it('is that of the first lens that has any', () => {
    const lenses = [
      { path: 'a/b', runs: [run(0, 50, 'not-expected'), run(50, 60, 'received')] },
      { path: 'a/c', runs: [run(0, 40, 'not-expected'), run(40, 60, 'received')] },
      { path: 'a/d', runs: [run(0, 60, 'not-expected')] },
    ];
    expect(beginningOf({ atMs: 60, connected: new Set(), lenses })).toBe(40);
  });

  it('is unknown while there is none', () => {
    expect(
      beginningOf({ atMs: 60, connected: new Set(), lenses: [{ path: 'a/b', runs: [] }] }),
    ).toBeUndefined();
  });
});
