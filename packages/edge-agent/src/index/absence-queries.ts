import type { LensName } from '@gapless/shared/ids';
import { parseLensName } from '@gapless/shared/ids';
import type { Range } from '@gapless/shared/interval';
import type { AbsenceReason } from '@gapless/shared/protocol';
import type { Statements } from '@gapless/shared/sqlite';
import { DAY_MS } from '@gapless/shared/time';
import type { Day } from './paths.js';
import { dayStartMs } from './paths.js';
import type { AbsenceRecord, Changed } from './rows.js';

interface Columns {
  lens: string;
  start_ms: number;
  end_ms: number;
  reason: string;
  detail: string | null;
  change_seq: number;
}

const SELECT = `SELECT l.name AS lens, a.start_ms, a.end_ms, a.reason, a.detail, a.change_seq
  FROM absence a JOIN lens l ON l.id = a.lens_id`;

export class AbsenceQueries {
  readonly #statements: Statements;

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  /** The newest of those that overlap `range`, newest first. */
  newest(lens: LensName, range: Range, limit: number): AbsenceRecord[] {
    // An absence may last for weeks, so nothing bounds how early one begins that reaches into the range; they are few.
    const sql = `${SELECT} WHERE a.lens_id = (SELECT id FROM lens WHERE name = ?) AND a.start_ms < ? AND a.end_ms > ?
      ORDER BY a.start_ms DESC LIMIT ?`;
    return this.#statements.all<Columns>(sql, lens, range.endMs, range.startMs, limit).map(record);
  }

  /** Absences that began on a day. */
  ofDay(lens: LensName, day: Day): Changed<AbsenceRecord>[] {
    const fromMs = dayStartMs(day)!;
    const sql = `${SELECT} WHERE a.lens_id = (SELECT id FROM lens WHERE name = ?) AND a.start_ms >= ? AND a.start_ms < ?`;
    return this.#statements
      .all<Columns>(sql, lens, fromMs, fromMs + DAY_MS)
      .map((row) => ({ seq: row.change_seq, row: record(row) }));
  }

  changedAfter(seq: number, limit: number): Changed<AbsenceRecord>[] {
    return this.#statements
      .all<Columns>(`${SELECT} WHERE a.change_seq > ? ORDER BY a.change_seq LIMIT ?`, seq, limit)
      .map((row) => ({ seq: row.change_seq, row: record(row) }));
  }
}

function record(row: Columns): AbsenceRecord {
  return {
    lens: parseLensName(row.lens),
    startMs: row.start_ms,
    endMs: row.end_ms,
    reason: row.reason as AbsenceReason,
    detail: row.detail ?? undefined,
  };
}
