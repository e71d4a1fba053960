import type { DurationMs, EpochMs } from '../time/index.js';
import type { Range } from './range.js';
import { range } from './range.js';

/**
 * A set of instants as sorted, disjoint, non-touching ranges; immutable.
 *
 * Every operation is one merge over both operands, O(n + m), and returns a new set in normal form, so two sets hold
 * the same instants exactly when their ranges are equal.
 */
export class RangeSet implements Iterable<Range> {
  static readonly empty = new RangeSet([]);

  /** In order, disjoint and non-touching. */
  readonly ranges: readonly Range[];

  private constructor(normalised: readonly Range[]) {
    this.ranges = normalised;
  }

  /** The union of any ranges, in any order, overlapping or not; throws a `RangeError` for one that is none. */
  static of(...ranges: readonly Range[]): RangeSet {
    return RangeSet.from(ranges);
  }

  static from(ranges: Iterable<Range>): RangeSet {
    const sorted = [...ranges].sort((a, b) => a.startMs - b.startMs);
    const out: Range[] = [];
    for (const next of sorted) {
      const { startMs, endMs } = range(next.startMs, next.endMs);
      append(out, startMs, endMs);
    }
    return out.length === 0 ? RangeSet.empty : new RangeSet(out);
  }

  [Symbol.iterator](): Iterator<Range> {
    return this.ranges[Symbol.iterator]();
  }

  get isEmpty(): boolean {
    return this.ranges.length === 0;
  }

  /** Sum of the lengths of the ranges. */
  get totalMs(): DurationMs {
    let total = 0;
    for (const r of this.ranges) total += r.endMs - r.startMs;
    return total;
  }

  /** From the first instant to the last; `undefined` for the empty set. */
  get hull(): Range | undefined {
    const first = this.ranges[0];
    const last = this.ranges.at(-1);
    return first && last ? { startMs: first.startMs, endMs: last.endMs } : undefined;
  }

  has(instantMs: EpochMs): boolean {
    const r = this.ranges[this.#firstEndingAfter(instantMs)];
    return r !== undefined && r.startMs <= instantMs;
  }

  /** Whether every instant of `r` is in the set. */
  covers(r: Range): boolean {
    const found = this.ranges[this.#firstEndingAfter(r.startMs)];
    return found !== undefined && found.startMs <= r.startMs && r.endMs <= found.endMs;
  }

  /** Whether the two sets share an instant. */
  overlaps(other: RangeSet): boolean {
    return !this.intersect(other).isEmpty;
  }

  equals(other: RangeSet): boolean {
    return (
      this.ranges.length === other.ranges.length &&
      this.ranges.every(
        (r, i) => r.startMs === other.ranges[i]!.startMs && r.endMs === other.ranges[i]!.endMs,
      )
    );
  }

  union(other: RangeSet): RangeSet {
    if (other.isEmpty) return this;
    if (this.isEmpty) return other;
    return combine(this, other, (a, b) => a || b);
  }

  intersect(other: RangeSet): RangeSet {
    if (this.isEmpty || other.isEmpty) return RangeSet.empty;
    return combine(this, other, (a, b) => a && b);
  }

  subtract(other: RangeSet): RangeSet {
    if (this.isEmpty || other.isEmpty) return this;
    return combine(this, other, (a, b) => a && !b);
  }

  /** The part inside `window`. */
  within(window: Range): RangeSet {
    return this.intersect(RangeSet.of(window));
  }

  /** The instants of `window` that are not in the set. */
  complementWithin(window: Range): RangeSet {
    return RangeSet.of(window).subtract(this);
  }

  /** The set moved by `deltaMs`, as when a run is re-timed. */
  shift(deltaMs: DurationMs): RangeSet {
    return RangeSet.fromNormalised(this.ranges.map((r) => range(r.startMs + deltaMs, r.endMs + deltaMs)));
  }

  /** Index of the first range that ends after `instantMs`; `ranges.length` if none does. */
  #firstEndingAfter(instantMs: EpochMs): number {
    let low = 0;
    let high = this.ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.ranges[middle]!.endMs > instantMs) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Internal door for {@link combine}, whose output is in normal form by construction. */
  static fromNormalised(ranges: readonly Range[]): RangeSet {
    return ranges.length === 0 ? RangeSet.empty : new RangeSet(ranges);
  }
}

/** Appends to a list in normal form a stretch that starts no earlier than the last one did, joining what touches. */
function append(out: Range[], startMs: EpochMs, endMs: EpochMs): void {
  const last = out.at(-1);
  if (last && startMs <= last.endMs) {
    if (endMs > last.endMs) out[out.length - 1] = { startMs: last.startMs, endMs };
  } else {
    out.push({ startMs, endMs });
  }
}

/** Sweeps both sets boundary by boundary and keeps the stretches for which `keep(inA, inB)` holds. */
function combine(a: RangeSet, b: RangeSet, keep: (inA: boolean, inB: boolean) => boolean): RangeSet {
  const out: Range[] = [];
  const edgesA = edges(a);
  const edgesB = edges(b);
  let i = 0;
  let j = 0;
  let fromMs = Number.NEGATIVE_INFINITY;
  while (i < edgesA.length || j < edgesB.length) {
    const atMs = Math.min(edgesA[i] ?? Number.POSITIVE_INFINITY, edgesB[j] ?? Number.POSITIVE_INFINITY);
    // An odd number of passed boundaries means that the sweep is inside one of the set's ranges.
    if (fromMs < atMs && keep(i % 2 === 1, j % 2 === 1)) append(out, fromMs, atMs);
    if (edgesA[i] === atMs) i++;
    if (edgesB[j] === atMs) j++;
    fromMs = atMs;
  }
  return RangeSet.fromNormalised(out);
}

function edges(set: RangeSet): number[] {
  const out: number[] = [];
  for (const r of set.ranges) out.push(r.startMs, r.endMs);
  return out;
}
