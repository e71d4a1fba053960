/** Bytes `[from, to)` of a file. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** What becomes of the offsets in a file when some of its spans are taken out. */
export class Relocation {
  /** Sorted and disjoint. */
  readonly removed: readonly Span[];
  readonly removedBytes: number;
  /** For each span, how many bytes are taken out in front of it. */
  readonly #before: readonly number[];

  /** @param removed sorted and disjoint */
  constructor(removed: readonly Span[]) {
    this.removed = removed;
    const before: number[] = [];
    let bytes = 0;
    for (const { from, to } of removed) {
      before.push(bytes);
      bytes += to - from;
    }
    this.#before = before;
    this.removedBytes = bytes;
  }

  /**
   * The new offset of the byte at `offset`, or of the boundary there; what stands in front of nothing that is removed keeps
   * its offset. `undefined` inside a removed span: such a byte is not there any more.
   */
  moved(offset: number): number | undefined {
    const index = lastFrom(this.removed, offset);
    const span = this.removed[index];
    if (!span) return offset;
    if (offset > span.from && offset < span.to) return undefined;
    const within = offset >= span.to ? span.to - span.from : 0;
    return offset - this.#before[index]! - within;
  }

  /** Whether any byte of `[from, to)` is removed. */
  touches(from: number, to: number): boolean {
    const span = this.removed[lastFrom(this.removed, to - 1)];
    return to > from && span !== undefined && span.to > from;
  }
}

/** Index of the last of the sorted, disjoint spans that begins at or before `offset`; -1 if there is none. */
export function lastFrom(spans: readonly Span[], offset: number): number {
  let low = -1;
  let high = spans.length;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (spans[middle]!.from <= offset) low = middle;
    else high = middle;
  }
  return low;
}
