import type { Range } from '@gapless/shared/interval';
import { RangeSet } from '@gapless/shared/interval';
import type { Statements } from '@gapless/shared/sqlite';

/**
 * What may be known of an instant of a lens. Layers overlap; `timeline/states.ts` says which one decides.
 * - `held`: the vehicle has a closed segment there
 * - `formerly-held`: it had one before its index was made anew, and has not said yet whether it still has
 * - `received`: bytes have arrived and are not proven; `live` and `fetched`: proven, and how they came
 * - `expired`: central had it and gave it up by its retention, so it is not asked for again
 * - `lost:*`: the vehicle had it and no longer does; `absent:*`: there never was any, and why
 */
export const coverageLayers = [
  'held',
  'formerly-held',
  'received',
  'live',
  'fetched',
  'expired',
  'lost:evicted',
  'lost:corrupt',
  'lost:device-replaced',
  'absent:off',
  'absent:no-signal',
  'absent:unexplained',
] as const;

export type CoverageLayer = (typeof coverageLayers)[number];

interface Columns {
  start_ms: number;
  end_ms: number;
}

/**
 * Coalesced ranges per lens and layer. Reading a window costs what lies in it: one look backwards for the range that
 * reaches into it, and a scan from there.
 */
export class CoverageReader {
  protected readonly statements: Statements;

  constructor(statements: Statements) {
    this.statements = statements;
  }

  /** The part of a layer inside `window`. */
  within(lensId: number, layer: CoverageLayer, window: Range): RangeSet {
    return RangeSet.from(this.touching(lensId, layer, window).map(toRange)).within(window);
  }

  /** From the first instant of a layer to its last; undefined if it is empty. */
  hull(lensId: number, layer: CoverageLayer): Range | undefined {
    const row = this.statements.get<{ start_ms: number | null; end_ms: number | null }>(
      `SELECT (SELECT start_ms FROM coverage WHERE lens_id = @lensId AND layer = @layer ORDER BY start_ms LIMIT 1) AS start_ms,
              (SELECT end_ms FROM coverage WHERE lens_id = @lensId AND layer = @layer ORDER BY start_ms DESC LIMIT 1) AS end_ms`,
      { lensId, layer },
    );
    return !row || row.start_ms === null || row.end_ms === null
      ? undefined
      : { startMs: row.start_ms, endMs: row.end_ms };
  }

  /** Stored ranges that overlap or touch `window`. They are disjoint, so only one that starts before it can reach in. */
  protected touching(lensId: number, layer: CoverageLayer, window: Range): Columns[] {
    return this.statements.all<Columns>(
      `SELECT start_ms, end_ms FROM coverage
       WHERE lens_id = @lensId AND layer = @layer AND start_ms <= @endMs AND end_ms >= @startMs
         AND start_ms >= coalesce((SELECT start_ms FROM coverage
           WHERE lens_id = @lensId AND layer = @layer AND start_ms <= @startMs ORDER BY start_ms DESC LIMIT 1), @startMs)
       ORDER BY start_ms`,
      { lensId, layer, startMs: window.startMs, endMs: window.endMs },
    );
  }
}

export class CoverageWriter extends CoverageReader {
  /** Adds ranges to a layer, joining what they touch. */
  add(lensId: number, layer: CoverageLayer, ranges: Iterable<Range>): void {
    for (const range of ranges)
      this.#replace(lensId, layer, range, (before) => before.union(RangeSet.of(range)));
  }

  /** Takes ranges out of a layer. */
  remove(lensId: number, layer: CoverageLayer, ranges: Iterable<Range>): void {
    for (const range of ranges)
      this.#replace(lensId, layer, range, (before) => before.subtract(RangeSet.of(range)));
  }

  /** Empties a layer of a lens. */
  clear(lensId: number, layer: CoverageLayer): void {
    this.statements.run('DELETE FROM coverage WHERE lens_id = ? AND layer = ?', lensId, layer);
  }

  #replace(lensId: number, layer: CoverageLayer, near: Range, change: (before: RangeSet) => RangeSet): void {
    const stored = this.touching(lensId, layer, near);
    const before = RangeSet.from(stored.map(toRange));
    const after = change(before);
    if (after.equals(before)) return;
    for (const row of stored) {
      this.statements.run(
        'DELETE FROM coverage WHERE lens_id = ? AND layer = ? AND start_ms = ?',
        lensId,
        layer,
        row.start_ms,
      );
    }
    for (const range of after) {
      this.statements.run(
        'INSERT INTO coverage VALUES (?, ?, ?, ?)',
        lensId,
        layer,
        range.startMs,
        range.endMs,
      );
    }
  }
}

function toRange(row: Columns): Range {
  return { startMs: row.start_ms, endMs: row.end_ms };
}
