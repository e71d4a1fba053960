import type { TimelineRun } from '../../packages/central/src/timeline/index.js';
import { RangeSet } from '@gapless/shared/interval';

/**
 * Timelines as drawings, one character a cell, so that a test shows what it speaks of:
 *
 * ```
 * ####....####   verified, missing, verified
 * ```
 */
export const LEGEND = {
  '#': 'verified live',
  '=': 'verified completed',
  '~': 'received',
  '>': 'transferring',
  '?': 'requested',
  '.': 'missing',
  u: 'unknown',
  x: 'lost evicted',
  c: 'lost corrupt',
  d: 'lost device-replaced',
  _: 'not-recorded off',
  '-': 'not-recorded no-signal',
  '!': 'not-recorded unexplained',
  ' ': 'not-expected',
} as const;

/** How long a cell lasts. */
export const CELL_MS = 1_000;

/** The first cell begins here. */
export const ORIGIN_MS = Date.UTC(2026, 0, 1);

const LETTERS = new Map(Object.entries(LEGEND).map(([letter, words]) => [words as string, letter]));

/** Where cell `index` begins. */
export function at(index: number): number {
  return ORIGIN_MS + index * CELL_MS;
}

/** The window of a drawing. */
export function windowOf(drawing: string): { startMs: number; endMs: number } {
  return { startMs: at(0), endMs: at(drawing.length) };
}

/** The cells that show `letter`, as ranges. */
export function cells(drawing: string, letter = '#'): RangeSet {
  const ranges = Array.from(drawing).flatMap((found, index) =>
    found === letter ? [{ startMs: at(index), endMs: at(index + 1) }] : [],
  );
  return RangeSet.from(ranges);
}

/** Draws a timeline; throws where a boundary lies inside a cell, since no letter could show that. */
export function draw(runs: readonly TimelineRun[]): string {
  return runs
    .map((run) => {
      const { startMs, endMs, state, reason, source } = run;
      const letter = LETTERS.get([state, reason ?? source].filter((word) => word !== undefined).join(' '));
      const length = (endMs - startMs) / CELL_MS;
      if (
        letter === undefined ||
        !Number.isInteger(length) ||
        !Number.isInteger((startMs - ORIGIN_MS) / CELL_MS)
      )
        throw new Error(`cannot be drawn: ${JSON.stringify(run)}`);
      return letter.repeat(length);
    })
    .join('');
}
