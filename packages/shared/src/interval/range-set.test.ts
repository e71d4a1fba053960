import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { partition } from './partition.js';
import type { Range } from './range.js';
import { contains, durationMs, intersection, overlaps, range } from './range.js';
import { RangeSet } from './range-set.js';

/** The model: which of the first instants are in the set, one bit each. */
const INSTANTS = 48;

const aRange = fc
  .tuple(fc.nat(INSTANTS - 1), fc.nat(INSTANTS - 1))
  .map(([a, b]) => ({ startMs: Math.min(a, b), endMs: Math.max(a, b) + 1 }));
const ranges = fc.array(aRange, { maxLength: 8 });
const aSet = ranges.map((some) => RangeSet.from(some));

function bits(some: Iterable<Range>): boolean[] {
  const out = new Array<boolean>(INSTANTS).fill(false);
  for (const { startMs, endMs } of some) out.fill(true, startMs, endMs);
  return out;
}

const setBits = (set: RangeSet): boolean[] =>
  Array.from({ length: INSTANTS }, (_, instant) => set.has(instant));

/** Sorted, disjoint, non-touching, none empty. */
function expectNormal(set: RangeSet): void {
  let before = -Infinity;
  for (const { startMs, endMs } of set) {
    expect(startMs).toBeGreaterThan(before);
    expect(endMs).toBeGreaterThan(startMs);
    before = endMs;
  }
  if (set.ranges.length === 0) expect(set).toBe(RangeSet.empty);
}

describe(RangeSet, () => {
  it('holds the instants of its ranges, in whatever order and however they overlap', () => {
    fc.assert(
      fc.property(ranges, (some) => {
        const set = RangeSet.from(some);
        expectNormal(set);
        expect(setBits(set)).toEqual(bits(some));
      }),
    );
  });

  it('unites, intersects and subtracts as a bitmap does, in normal form', () => {
    fc.assert(
      fc.property(aSet, aSet, (a, b) => {
        const [inA, inB] = [setBits(a), setBits(b)];
        for (const [set, model] of [
          [a.union(b), inA.map((bit, i) => bit || inB[i]!)],
          [a.intersect(b), inA.map((bit, i) => bit && inB[i]!)],
          [a.subtract(b), inA.map((bit, i) => bit && !inB[i]!)],
        ] as const) {
          expectNormal(set);
          expect(setBits(set)).toEqual(model);
        }
        expect(a.overlaps(b)).toBe(inA.some((bit, i) => bit && inB[i]!));
      }),
      { numRuns: 1_000 },
    );
  });

  it('is equal to another exactly when both hold the same instants', () => {
    fc.assert(
      fc.property(aSet, aSet, (a, b) => {
        expect(a.equals(b)).toBe(setBits(a).every((bit, i) => bit === setBits(b)[i]));
        expect(a.union(b).equals(b.union(a))).toBe(true);
        expect(a.subtract(b).union(a.intersect(b)).equals(a)).toBe(true);
      }),
    );
  });

  it('answers about instants, ranges and windows as a bitmap does', () => {
    fc.assert(
      fc.property(aSet, aRange, (set, window) => {
        const model = setBits(set);
        const inside = model.slice(window.startMs, window.endMs);
        expect(set.covers(window)).toBe(inside.every(Boolean));
        expect(setBits(set.within(window)).filter(Boolean)).toHaveLength(inside.filter(Boolean).length);
        expect(set.complementWithin(window).totalMs).toBe(inside.filter((bit) => !bit).length);
        expect(set.totalMs).toBe(model.filter(Boolean).length);
        expect(set.hull?.startMs).toBe(set.isEmpty ? undefined : model.indexOf(true));
        expect(set.hull?.endMs).toBe(set.isEmpty ? undefined : model.lastIndexOf(true) + 1);
      }),
    );
  });

  it('moves and keeps its form', () => {
    fc.assert(
      fc.property(aSet, fc.integer({ min: -100, max: 100 }), (set, delta) => {
        const moved = set.shift(delta);
        expectNormal(moved.shift(-delta));
        expect(moved.shift(-delta).equals(set)).toBe(true);
        expect(moved.totalMs).toBe(set.totalMs);
      }),
    );
  });

  it('refuses what is no range: it would break the form of everything made of it', () => {
    for (const wrong of [
      { startMs: 5, endMs: 5 },
      { startMs: 6, endMs: 5 },
      { startMs: 0.5, endMs: 2 },
      { startMs: 0, endMs: Number.NaN },
    ])
      expect(() => RangeSet.of(wrong)).toThrow(RangeError);
  });

  it('costs one pass: two sets of 100,000 ranges are united in well under a second', () => {
    const many = (offset: number): RangeSet =>
      RangeSet.from(
        Array.from({ length: 100_000 }, (_, i) => ({ startMs: i * 10 + offset, endMs: i * 10 + offset + 4 })),
      );
    const startedMs = performance.now();
    expect(many(0).union(many(5)).ranges).toHaveLength(200_000);
    expect(performance.now() - startedMs).toBeLessThan(2_000);
  });
});

describe(partition, () => {
  it('tiles the window exactly, each instant with the first layer that covers it', () => {
    fc.assert(
      fc.property(aRange, fc.array(aSet, { maxLength: 5 }), (window, sets) => {
        const layers = sets.map((ranged, value) => ({ value, ranges: ranged }));
        const pieces = partition(window, layers, -1);
        expect(pieces[0]!.startMs).toBe(window.startMs);
        expect(pieces.at(-1)!.endMs).toBe(window.endMs);
        pieces.forEach((piece, i) => {
          expect(piece.endMs).toBeGreaterThan(piece.startMs);
          if (i === 0) return;
          expect(piece.startMs).toBe(pieces[i - 1]!.endMs);
          expect(piece.value).not.toBe(pieces[i - 1]!.value);
        });
        for (let instant = window.startMs; instant < window.endMs; instant++) {
          const found = pieces.find((piece) => contains(piece, instant))!;
          expect(found.value).toBe(sets.findIndex((set) => set.has(instant)));
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe(range, () => {
  it('is half-open', () => {
    const r = range(10, 20);
    expect([contains(r, 9), contains(r, 10), contains(r, 19), contains(r, 20)]).toEqual([
      false,
      true,
      true,
      false,
    ]);
    expect(durationMs(r)).toBe(10);
    expect(overlaps(r, range(20, 30))).toBe(false);
    expect(intersection(r, range(20, 30))).toBeUndefined();
    expect(intersection(r, range(19, 30))).toEqual({ startMs: 19, endMs: 20 });
  });

  it('shares an instant exactly when the intersection is there', () => {
    fc.assert(fc.property(aRange, aRange, (a, b) => overlaps(a, b) === (intersection(a, b) !== undefined)));
  });
});
