import type { LensName } from '@gapless/shared/ids';
import { parseLensName } from '@gapless/shared/ids';
import type { Range } from '@gapless/shared/interval';
import type { Statements } from '@gapless/shared/sqlite';
import type { EpochMs } from '@gapless/shared/time';

/** The oldest footage of a lens that central does not have and nobody protects. */
export interface OldestAtRisk extends Range {
  /** Whether its age can be told. */
  readonly clockTrusted: boolean;
}

/** Questions about what will have to go when. */
export class ForecastQueries {
  readonly #statements: Statements;

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  oldestAtRisk(lens: LensName): OldestAtRisk | undefined {
    // Left to itself, SQLite walks through everything that central has.
    const row = this.#statements.get<{ start_ms: number; end_ms: number; clock_trusted: number }>(
      `SELECT s.start_ms, s.end_ms, r.clock_trusted FROM segment s INDEXED BY segment_lens_eviction JOIN run r ON r.id = s.run_id
       WHERE s.lens_id = (SELECT id FROM lens WHERE name = ?) AND s.receipted = 0 AND s.protected = 0
         AND s.adopted_file IS NULL
       ORDER BY s.start_ms LIMIT 1`,
      lens,
    );
    return row && { startMs: row.start_ms, endMs: row.end_ms, clockTrusted: row.clock_trusted === 1 };
  }

  /** Bytes at risk of each lens that begin before `startMs`: what goes before it. Lenses without any are left out. */
  atRiskBytesBefore(startMs: EpochMs): ReadonlyMap<LensName, number> {
    const rows = this.#statements.all<{ name: string; total: number | null }>(
      `SELECT l.name, (SELECT sum(s.size_bytes) FROM segment s INDEXED BY segment_lens_eviction
         WHERE s.lens_id = l.id AND s.receipted = 0 AND s.protected = 0 AND s.adopted_file IS NULL
         AND s.start_ms < ?) AS total FROM lens l`,
      startMs,
    );
    return new Map(
      rows.flatMap(({ name, total }) => (total === null ? [] : [[parseLensName(name), total] as const])),
    );
  }

  /** Bytes of a lens that may go without loss. */
  spareBytes(lens: LensName): number {
    return (
      this.#statements.get<{ spare_bytes: number }>('SELECT spare_bytes FROM lens WHERE name = ?', lens)
        ?.spare_bytes ?? 0
    );
  }

  /** What was recorded of a lens within a range, be it deleted since, and when the first of it began. */
  recorded(lens: LensName, range: Range): { readonly bytes: number; readonly firstMs: EpochMs } | undefined {
    const part = (table: 'segment' | 'tombstone'): string =>
      `SELECT x.start_ms, x.size_bytes FROM ${table} x WHERE x.lens_id = (SELECT id FROM lens WHERE name = @lens)
         AND x.start_ms >= @startMs AND x.start_ms < @endMs`;
    const row = this.#statements.get<{ bytes: number | null; first_ms: number | null }>(
      `SELECT sum(size_bytes) AS bytes, min(start_ms) AS first_ms
       FROM (${part('segment')} UNION ALL ${part('tombstone')})`,
      { lens, ...range },
    );
    return !row || row.bytes === null || row.first_ms === null
      ? undefined
      : { bytes: row.bytes, firstMs: row.first_ms };
  }
}
