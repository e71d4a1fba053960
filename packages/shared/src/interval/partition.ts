import type { Range } from './range.js';
import { RangeSet } from './range-set.js';

/** One statement about time: `value` holds on `ranges`, unless an earlier layer has already spoken. */
export interface Layer<T> {
  readonly value: T;
  readonly ranges: RangeSet;
}

/** A stretch of a partition. */
export interface Piece<T> extends Range {
  readonly value: T;
}

/**
 * Cuts `window` into pieces that tile it exactly, each with the value of the first layer that covers it, or
 * `otherwise` where none does. Neighbouring pieces never have the same value (by `===`).
 */
export function partition<T>(window: Range, layers: readonly Layer<T>[], otherwise: T): Piece<T>[] {
  const pieces: Piece<T>[] = [];
  let open = RangeSet.of(window);
  for (const layer of layers) {
    if (open.isEmpty) break;
    const claimed = open.intersect(layer.ranges);
    for (const r of claimed) pieces.push({ ...r, value: layer.value });
    open = open.subtract(claimed);
  }
  for (const r of open) pieces.push({ ...r, value: otherwise });
  pieces.sort((a, b) => a.startMs - b.startMs);
  return joinEqualNeighbours(pieces);
}

function joinEqualNeighbours<T>(pieces: readonly Piece<T>[]): Piece<T>[] {
  const out: Piece<T>[] = [];
  for (const piece of pieces) {
    const last = out.at(-1);
    if (last && last.value === piece.value) out[out.length - 1] = { ...last, endMs: piece.endMs };
    else out.push(piece);
  }
  return out;
}
