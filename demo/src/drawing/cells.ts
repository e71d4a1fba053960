import type { DurationMs, EpochMs } from '@gapless/shared/time';
import type { Run } from '../timeline.js';
import { isGap, lengthWithin } from '../timeline.js';
import type { LookName } from './looks.js';
import { lookOf } from './looks.js';

/** The stretch of time that a row shows, cut into cells of one character each. */
export interface Grid {
  readonly startMs: EpochMs;
  readonly cellMs: DurationMs;
  readonly count: number;
}

const CELL_LENGTHS_MS = [500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000];

/** The finest cells with which `spanMs` fits into `columns`. */
export function cellLength(spanMs: DurationMs, columns: number): DurationMs {
  return CELL_LENGTHS_MS.find((cellMs) => spanMs / cellMs <= columns) ?? CELL_LENGTHS_MS.at(-1)!;
}

/** A grid that starts at `fromMs`, or later if the present would not fit into it. */
export function gridFor(
  fromMs: EpochMs,
  nowMs: EpochMs,
  size: { cellMs: DurationMs; columns: number },
): Grid {
  const { cellMs, columns } = size;
  const first = Math.floor(fromMs / cellMs);
  const last = Math.floor(nowMs / cellMs);
  return { startMs: Math.max(first, last - columns + 1) * cellMs, cellMs, count: columns };
}

/** A gap shows in a cell of which it takes this share; other states show where they take the most. */
const GAP_SHARE = 0.3;

/** How each cell of a row looks. */
export function cellsOf(runs: readonly Run[], { startMs, cellMs, count }: Grid): LookName[] {
  return Array.from({ length: count }, (_, index) => {
    const range = { startMs: startMs + index * cellMs, endMs: startMs + (index + 1) * cellMs };
    const shares = new Map<LookName, number>();
    for (const run of runs) {
      const lengthMs = lengthWithin([run], range);
      const weight = isGap(run) && lengthMs >= GAP_SHARE * cellMs ? cellMs + lengthMs : lengthMs;
      const look = lookOf(run);
      if (weight > 0) shares.set(look, (shares.get(look) ?? 0) + weight);
    }
    return [...shares].sort(([, a], [, b]) => b - a)[0]?.[0] ?? 'nothing';
  });
}
