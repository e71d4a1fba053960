import type { LensName, SegmentRef } from '@gapless/shared/ids';
import { hex, parseLensName, parseRunId } from '@gapless/shared/ids';
import type { Range } from '@gapless/shared/interval';
import type { TombstoneReason } from '@gapless/shared/protocol';
import { MAX_SEGMENT_MS } from '@gapless/shared/protocol';
import type { Statements } from '@gapless/shared/sqlite';
import { DAY_MS } from '@gapless/shared/time';
import type { Day, SegmentFileName } from './paths.js';
import { dayStartMs } from './paths.js';
import type { Changed, RunRecord, TombstoneRecord } from './rows.js';

interface Columns {
  lens: string;
  run: string;
  seq: number;
  start_ms: number;
  end_ms: number;
  size_bytes: number;
  sha256: Uint8Array;
  deleted_ms: number;
  reason: string;
  file_start_ms: number;
  change_seq: number;
}

const SELECT = `SELECT l.name AS lens, r.name AS run, t.seq, t.start_ms, t.end_ms, t.size_bytes, t.sha256, t.deleted_ms,
  t.reason, t.file_start_ms, t.change_seq FROM tombstone t JOIN run r ON r.id = t.run_id JOIN lens l ON l.id = t.lens_id`;

export class TombstoneQueries {
  readonly #statements: Statements;

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  get(ref: SegmentRef): TombstoneRecord | undefined {
    const row = this.#statements.get<Columns>(
      `${SELECT} WHERE l.name = ? AND r.name = ? AND t.seq = ?`,
      ref.lens,
      ref.run,
      ref.seq,
    );
    return row && record(row);
  }

  /** The newest of those that overlap `range`, newest first. */
  newest(lens: LensName, range: Range, limit: number): TombstoneRecord[] {
    const sql = `${SELECT} WHERE t.lens_id = (SELECT id FROM lens WHERE name = ?)
      AND t.start_ms > ? - ${MAX_SEGMENT_MS} AND t.start_ms < ? AND t.end_ms > ? ORDER BY t.start_ms DESC LIMIT ?`;
    return this.#statements
      .all<Columns>(sql, lens, range.startMs, range.endMs, range.startMs, limit)
      .map(record);
  }

  /** Tombstones of a run whose number is at least `fromSeq` and less than `toSeq`, in order. */
  ofRun(run: RunRecord, fromSeq: number, toSeq: number): TombstoneRecord[] {
    const sql = `${SELECT} WHERE t.run_id = ? AND t.seq >= ? AND t.seq < ? ORDER BY t.seq`;
    return this.#statements.all<Columns>(sql, run.order, fromSeq, toSeq).map(record);
  }

  /** The tombstone of the segment that lay in the file of that name, and whether nothing is left to be removed. */
  ofFile(
    lens: LensName,
    { fileStartMs, runSuffix, seq }: SegmentFileName,
  ): { readonly fileGone: boolean } | undefined {
    const row = this.#statements.get<{ file_gone: number }>(
      `SELECT t.file_gone FROM tombstone t JOIN run r ON r.id = t.run_id
       WHERE t.lens_id = (SELECT id FROM lens WHERE name = ?) AND t.file_start_ms = ? AND t.seq = ?
         AND r.name LIKE '%-' || ?`,
      lens,
      fileStartMs,
      seq,
      runSuffix,
    );
    return row && { fileGone: row.file_gone === 1 };
  }

  /** Tombstones of segments that lay in the directory of a day. */
  ofDay(lens: LensName, day: Day): Changed<TombstoneRecord>[] {
    const fromMs = dayStartMs(day)!;
    const sql = `${SELECT} WHERE t.lens_id = (SELECT id FROM lens WHERE name = ?)
      AND t.file_start_ms >= ? AND t.file_start_ms < ?`;
    return this.#statements
      .all<Columns>(sql, lens, fromMs, fromMs + DAY_MS)
      .map((row) => ({ seq: row.change_seq, row: record(row) }));
  }

  /** Those whose files are still to be removed, because a crash or a failing disk came between. */
  withFilesLeft(limit: number): TombstoneRecord[] {
    return this.#statements.all<Columns>(`${SELECT} WHERE t.file_gone = 0 LIMIT ?`, limit).map(record);
  }

  changedAfter(seq: number, limit: number): Changed<TombstoneRecord>[] {
    return this.#statements
      .all<Columns>(`${SELECT} WHERE t.change_seq > ? ORDER BY t.change_seq LIMIT ?`, seq, limit)
      .map((row) => ({ seq: row.change_seq, row: record(row) }));
  }
}

function record(row: Columns): TombstoneRecord {
  return {
    lens: parseLensName(row.lens),
    run: parseRunId(row.run),
    seq: row.seq,
    startMs: row.start_ms,
    endMs: row.end_ms,
    fileStartMs: row.file_start_ms,
    sizeBytes: row.size_bytes,
    sha256: hex(row.sha256),
    deletedMs: row.deleted_ms,
    reason: row.reason as TombstoneReason,
  };
}
