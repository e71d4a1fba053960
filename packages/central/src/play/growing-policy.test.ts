import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { listedSince, promisedMs } from './growing-policy.js';

const segment = (index: number, verifiedMs: number) => ({
  startMs: index * 10,
  endMs: index * 10 + 10,
  verifiedMs,
});

describe(listedSince, () => {
  it('lists what was there when it was opened, in whatever order it had come', () => {
    const segments = [segment(0, 300), segment(1, 100), segment(2, 200)];
    expect(listedSince(segments, 300).map(({ startMs }) => startMs)).toEqual([0, 10, 20]);
  });

  it('leaves out what heals behind what it has listed, until it is opened anew', () => {
    const segments = [segment(0, 100), segment(1, 400), segment(2, 200)];
    expect(listedSince(segments, 150).map(({ startMs }) => startMs)).toEqual([0, 20]);
    expect(listedSince(segments, 400).map(({ startMs }) => startMs)).toEqual([0, 10, 20]);
  });

  it('only ever grows at its end, whatever arrives in whatever order', () => {
    const orders = fc.integer({ min: 1, max: 12 }).chain((count) =>
      fc.shuffledSubarray(
        Array.from({ length: count }, (_, i) => i),
        { minLength: count, maxLength: count },
      ),
    );
    fc.assert(
      fc.property(orders, fc.integer({ min: 0, max: 12 }), (order, openedMs) => {
        let before: number[] = [];
        for (let nowMs = openedMs; nowMs <= order.length; nowMs++) {
          const here = order.flatMap((verifiedMs, i) =>
            verifiedMs <= nowMs ? [segment(i, verifiedMs)] : [],
          );
          const now = listedSince(here, openedMs).map(({ startMs }) => startMs);
          expect(now.slice(0, before.length)).toEqual(before);
          // The newest footage is always there.
          expect(now.at(-1)).toBe(here.at(-1)?.startMs);
          before = now;
        }
      }),
    );
  });
});

describe(promisedMs, () => {
  it('is what the playlist began with, whatever comes later', () => {
    const first = { startMs: 0, endMs: 10, listedMs: 5 };
    const second = { startMs: 10, endMs: 22, listedMs: 5 };
    const later = { startMs: 22, endMs: 30, listedMs: 9 };
    expect(promisedMs([first, second])).toBe(12);
    expect(promisedMs([first, second, later])).toBe(12);
  });
});
