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
const JOINED = 'JOIN run r ON r.id = s.run_id JOIN lens l ON l.id = s.lens_id';
/** What was adopted is its recorder's to delete. */
const OWN = 's.adopted_file IS NULL';
const SELECT = `SELECT ${COLUMNS} FROM segment s ${JOINED}`;
// Of one lens, by the index of its own order: left to itself, SQLite may walk through other lenses or what is protected.
const SELECT_OF_LENS = `SELECT ${COLUMNS} FROM segment s INDEXED BY segment_lens_eviction ${JOINED}
  WHERE ${OWN} AND s.lens_id = (SELECT id FROM lens WHERE name = ?)`;
const SELECT_WITH_PINS = `SELECT ${COLUMNS}, s.protected FROM segment s ${JOINED}`;

/** Which of the agent's own segments are the first to go. What is protected is never among them. */
export class EvictionQueries {
  readonly #statements: Statements;

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  /** What central has, of one lens or of all, the oldest first. */
  receipted(limit: number, lens?: LensName): EvictionCandidate[] {
    return this.#oldest(1, limit, lens);
  }

  /** What central does not have, of one lens or of all, the oldest first. */
  unreceipted(limit: number, lens?: LensName): EvictionCandidate[] {
    return this.#oldest(0, limit, lens);
  }

  /**
   * Segments of a lens that ended before `beforeMs`, the oldest first. Those of a boot that did not know the time are left
   * out: nobody can say how old they are.
   */
  olderThan(lens: LensName, beforeMs: EpochMs, limit: number): EvictionCandidate[] {
    const older = (receipted: 0 | 1): EvictionCandidate[] =>
      this.#all(
        `${SELECT_OF_LENS} AND s.protected = 0 AND s.receipted = ${receipted} AND s.start_ms < ? AND s.end_ms <= ?
           AND r.clock_trusted = 1 ORDER BY s.start_ms LIMIT ?`,
        ...[lens, beforeMs, beforeMs, limit],
      );
    return [...older(1), ...older(0)].sort((a, b) => a.startMs - b.startMs).slice(0, limit);
  }

  /** Those that overlap `range`, be they protected or not, the oldest first. */
  overlapping(lens: LensName, range: Range): RemovalCandidate[] {
    const sql = `${SELECT_WITH_PINS} WHERE ${OWN} AND s.lens_id = (SELECT id FROM lens WHERE name = ?)
      AND s.start_ms > ? - ${MAX_SEGMENT_MS} AND s.start_ms < ? AND s.end_ms > ? ORDER BY s.start_ms`;
    return this.#statements
      .all<Columns & { protected: number }>(sql, lens, range.startMs, range.endMs, range.startMs)
      .map((row) => ({ ...candidate(row), isProtected: row.protected === 1 }));
  }

  #oldest(receipted: 0 | 1, limit: number, lens: LensName | undefined): EvictionCandidate[] {
    const which = `s.protected = 0 AND s.receipted = ${receipted} ORDER BY s.start_ms LIMIT ?`;
    if (lens === undefined) return this.#all(`${SELECT} WHERE ${OWN} AND ${which}`, limit);
    return this.#all(`${SELECT_OF_LENS} AND ${which}`, lens, limit);
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
