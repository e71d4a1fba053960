import type { SegmentId } from '@gapless/shared/ids';
import { parseSegmentId, segmentId } from '@gapless/shared/ids';
import type { Statements } from '@gapless/shared/sqlite';
import type { EpochMs } from '@gapless/shared/time';

/** A file that failed verification and waits for somebody to look at it. */
export interface Quarantined {
  readonly lensId: number;
  readonly segment: SegmentId;
  readonly atMs: EpochMs;
  readonly reason: string;
  /** Below the quarantine directory. */
  readonly path: string;
}

interface Columns {
  lens_id: number;
  segment: string;
  at_ms: number;
  reason: string;
  path: string;
}

export class QuarantineReader {
  protected readonly statements: Statements;

  constructor(statements: Statements) {
    this.statements = statements;
  }

  newest(limit: number): Quarantined[] {
    const sql = 'SELECT lens_id, segment, at_ms, reason, path FROM quarantine ORDER BY id DESC LIMIT ?';
    return this.statements.all<Columns>(sql, limit).map((row) => ({
      lensId: row.lens_id,
      segment: segmentId(parseSegmentId(row.segment)),
      atMs: row.at_ms,
      reason: row.reason,
      path: row.path,
    }));
  }

  count(): number {
    return this.statements.get<{ n: number }>('SELECT count(*) AS n FROM quarantine')!.n;
  }
}

export class QuarantineWriter extends QuarantineReader {
  add(entry: Quarantined): void {
    const sql = 'INSERT INTO quarantine (lens_id, segment, at_ms, reason, path) VALUES (?, ?, ?, ?, ?)';
    this.statements.run(sql, entry.lensId, entry.segment, entry.atMs, entry.reason, entry.path);
  }
}
