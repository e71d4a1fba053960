import type { LensName, SegmentRef } from '@gapless/shared/ids';
import { hex, parseLensName, parseRunId } from '@gapless/shared/ids';
import type { Range } from '@gapless/shared/interval';
import { MAX_SEGMENT_MS } from '@gapless/shared/protocol';
import type { Statements } from '@gapless/shared/sqlite';
import type { SegmentFileName } from './paths.js';
import type { Changed, RunRecord, SegmentRecord } from './rows.js';

interface Columns {
  lens: string;
  run: string;
  seq: number;
  start_ms: number;
  end_ms: number;
  file_start_ms: number;
  size_bytes: number;
  sha256: Uint8Array;
  first_fragment: number;
  fragment_count: number;
  fragments: Uint8Array;
  holes: string | null;
  receipted: number;
  change_seq: number;
  adopted: number;
}

const SELECT = `SELECT l.name AS lens, r.name AS run, s.seq, s.start_ms, s.end_ms, s.file_start_ms, s.size_bytes, s.sha256,
  s.first_fragment, s.fragment_count, s.fragments, s.holes, s.receipted, s.change_seq,
  s.adopted_file IS NOT NULL AS adopted
  FROM segment s JOIN run r ON r.id = s.run_id JOIN lens l ON l.id = s.lens_id`;

// A segment is never longer than MAX_SEGMENT_MS, so those that overlap a range begin in one short stretch of the index.
const OVERLAPPING = `WHERE s.lens_id = (SELECT id FROM lens WHERE name = ?)
  AND s.start_ms > ? - ${MAX_SEGMENT_MS} AND s.start_ms < ? AND s.end_ms > ?`;

/** The last run of a lens that has had a segment. */
const LAST_RUN = `SELECT r.id FROM run r WHERE r.lens_id = (SELECT id FROM lens WHERE name = ?)
  AND (EXISTS (SELECT 1 FROM segment x WHERE x.run_id = r.id) OR EXISTS (SELECT 1 FROM tombstone x WHERE x.run_id = r.id))
  ORDER BY r.id DESC LIMIT 1`;

export class SegmentQueries {
  readonly #statements: Statements;

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  get(ref: SegmentRef): SegmentRecord | undefined {
    const sql = `${SELECT} WHERE l.name = ? AND r.lens_id = l.id AND r.name = ? AND s.seq = ?`;
    const row = this.#statements.get<Columns>(sql, ref.lens, ref.run, ref.seq);
    return row && record(row);
  }

  /** Segments that overlap `range`, oldest first. */
  overlapping(lens: LensName, range: Range): SegmentRecord[] {
    const sql = `${SELECT} ${OVERLAPPING} ORDER BY s.start_ms, s.run_id, s.seq`;
    return this.#statements.all<Columns>(sql, lens, range.startMs, range.endMs, range.startMs).map(record);
  }

  /** The newest of the segments that overlap `range`, newest first. */
  newest(lens: LensName, range: Range, limit: number): SegmentRecord[] {
    const sql = `${SELECT} ${OVERLAPPING} ORDER BY s.start_ms DESC, s.run_id DESC, s.seq DESC LIMIT ?`;
    return this.#statements
      .all<Columns>(sql, lens, range.startMs, range.endMs, range.startMs, limit)
      .map(record);
  }

  /** Segments of a run whose number is at least `fromSeq` and less than `toSeq`, in order. */
  ofRun(run: RunRecord, fromSeq: number, toSeq: number): SegmentRecord[] {
    return this.#statements
      .all<Columns>(
        `${SELECT} WHERE s.run_id = ? AND s.seq >= ? AND s.seq < ? ORDER BY s.seq`,
        run.order,
        fromSeq,
        toSeq,
      )
      .map(record);
  }

  /** The segment that lies in the file of that name. */
  ofFile(lens: LensName, { fileStartMs, runSuffix, seq }: SegmentFileName): SegmentRecord | undefined {
    const row = this.#statements.get<Columns>(
      `${SELECT} WHERE s.lens_id = (SELECT id FROM lens WHERE name = ?) AND s.file_start_ms = ? AND s.seq = ?
         AND r.name LIKE '%-' || ?`,
      lens,
      fileStartMs,
      seq,
      runSuffix,
    );
    return row && record(row);
  }

  /** SHA-256 of the segment of a lens that was closed last, be it deleted since: what the next seal chains to. */
  lastSha256(lens: LensName): string | undefined {
    const row = this.#statements.get<{ sha256: Uint8Array }>(
      `SELECT sha256 FROM (
         SELECT s.seq, s.sha256 FROM segment s WHERE s.run_id = (${LAST_RUN})
         UNION ALL SELECT t.seq, t.sha256 FROM tombstone t WHERE t.run_id = (${LAST_RUN}))
       ORDER BY seq DESC LIMIT 1`,
      lens,
      lens,
    );
    return row && hex(row.sha256);
  }

  changedAfter(seq: number, limit: number): Changed<SegmentRecord>[] {
    return this.#statements
      .all<Columns>(`${SELECT} WHERE s.change_seq > ? ORDER BY s.change_seq LIMIT ?`, seq, limit)
      .map((row) => ({ seq: row.change_seq, row: record(row) }));
  }

  /** Bytes of the segment files of a lens that nobody protects. */
  evictableBytes(lens: LensName): number {
    const sql = 'SELECT bytes - protected_bytes AS total FROM lens WHERE name = ?';
    return this.#statements.get<{ total: number }>(sql, lens)?.total ?? 0;
  }

  /** Bytes of all segment files of all lenses. */
  totalBytes(): number {
    return this.#statements.get<{ total: number }>('SELECT coalesce(sum(bytes), 0) AS total FROM lens')!
      .total;
  }
}

function record(row: Columns): SegmentRecord {
  return {
    lens: parseLensName(row.lens),
    run: parseRunId(row.run),
    seq: row.seq,
    startMs: row.start_ms,
    endMs: row.end_ms,
    fileStartMs: row.file_start_ms,
    sizeBytes: row.size_bytes,
    sha256: hex(row.sha256),
    firstFragment: row.first_fragment,
    fragmentCount: row.fragment_count,
    fragments: row.fragments,
    holes: row.holes === null ? [] : (JSON.parse(row.holes) as Range[]),
    receipted: row.receipted === 1,
    adopted: row.adopted === 1,
  };
}
