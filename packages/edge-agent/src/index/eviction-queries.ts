import type { LensName, SegmentRef } from '@gapless/shared/ids';
import { parseLensName, parseRunId } from '@gapless/shared/ids';
import type { Range } from '@gapless/shared/interval';
import { MAX_SEGMENT_MS } from '@gapless/shared/protocol';
import type { Statements } from '@gapless/shared/sqlite';
import type { EpochMs } from '@gapless/shared/time';

/** What there is to know of a segment when one has to go. */
export interface EvictionCandidate extends SegmentRef, Range {
  readonly sizeBytes: number;
  /** Whether central has proven that it holds this segment. */
  readonly receipted: boolean;
}

/** A segment that somebody wants to be gone. */
export interface RemovalCandidate extends EvictionCandidate {
  readonly isProtected: boolean;
}

interface Columns {
  lens: string;
  run: string;
  seq: number;
  start_ms: number;
  end_ms: number;
  size_bytes: number;
  receipted: number;
}

const COLUMNS = 'l.name AS lens, r.name AS run, s.seq, s.start_ms, s.end_ms, s.size_bytes, s.receipted';
const FROM = 'FROM segment s JOIN run r ON r.id = s.run_id JOIN lens l ON l.id = s.lens_id';
const SELECT = `SELECT ${COLUMNS} ${FROM}`;
const SELECT_WITH_PINS = `SELECT ${COLUMNS}, s.protected ${FROM}`;

/** Which segments are the first to go. What is protected is never among them. */
export class EvictionQueries {
  readonly #statements: Statements;

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  /** What central has, the oldest first. */
  receipted(limit: number): EvictionCandidate[] {
    return this.#all(
      `${SELECT} WHERE s.protected = 0 AND s.receipted = 1 ORDER BY s.start_ms LIMIT ?`,
      limit,
    );
  }

  /** What central does not have, the oldest first. */
  unreceipted(limit: number): EvictionCandidate[] {
    return this.#all(
      `${SELECT} WHERE s.protected = 0 AND s.receipted = 0 ORDER BY s.start_ms LIMIT ?`,
      limit,
    );
  }

  /**
   * Segments that ended before `beforeMs`, the oldest first. Those of a boot that did not know the time are left out:
   * nobody can say how old they are.
   */
  olderThan(beforeMs: EpochMs, limit: number): EvictionCandidate[] {
    const half = (receipted: 0 | 1): string =>
      `SELECT * FROM (${SELECT} WHERE s.protected = 0 AND s.receipted = ${receipted} AND s.start_ms < ? AND s.end_ms <= ?
         AND r.clock_trusted = 1 ORDER BY s.start_ms LIMIT ?)`;
    return this.#all(
      `${half(1)} UNION ALL ${half(0)} ORDER BY start_ms LIMIT ?`,
      ...[beforeMs, beforeMs, limit, beforeMs, beforeMs, limit],
      limit,
    );
  }

  /** Those that overlap `range`, be they protected or not, the oldest first. */
  overlapping(lens: LensName, range: Range): RemovalCandidate[] {
    const sql = `${SELECT_WITH_PINS} WHERE s.lens_id = (SELECT id FROM lens WHERE name = ?)
      AND s.start_ms > ? - ${MAX_SEGMENT_MS} AND s.start_ms < ? AND s.end_ms > ? ORDER BY s.start_ms`;
    return this.#statements
      .all<Columns & { protected: number }>(sql, lens, range.startMs, range.endMs, range.startMs)
      .map((row) => ({ ...candidate(row), isProtected: row.protected === 1 }));
  }

  #all(sql: string, ...bind: unknown[]): EvictionCandidate[] {
    return this.#statements.all<Columns>(sql, ...bind).map(candidate);
  }
}

function candidate(row: Columns): EvictionCandidate {
  return {
    lens: parseLensName(row.lens),
    run: parseRunId(row.run),
    seq: row.seq,
    startMs: row.start_ms,
    endMs: row.end_ms,
    sizeBytes: row.size_bytes,
    receipted: row.receipted === 1,
  };
}
