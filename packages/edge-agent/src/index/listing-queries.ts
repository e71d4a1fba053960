import { assert } from '@gapless/shared/errors';
import type { LensName } from '@gapless/shared/ids';
import type { Range } from '@gapless/shared/interval';
import type { TombstoneReason } from '@gapless/shared/protocol';
import { MAX_SEGMENT_MS } from '@gapless/shared/protocol';
import type { Statements } from '@gapless/shared/sqlite';
import type { EpochMs } from '@gapless/shared/time';

/** Where a segment stands in the order of listing. */
export interface ListingKey {
  readonly startMs: EpochMs;
  /** The run's place among the runs of the box. */
  readonly runOrder: number;
  readonly seq: number;
}

/** A segment as it is listed: what can be said of it without its fragment table. */
export interface ListedSegment extends ListingKey, Range {
  readonly sizeBytes: number;
  /** Of the whole file, hex. */
  readonly sha256: string;
  readonly receipted: boolean;
  /** Stretches of the extent without a picture. */
  readonly holes: readonly Range[];
}

export interface Deletion extends Range {
  readonly reason: TombstoneReason;
}

const HASH_BYTES = 32;
const NO_HOLES: readonly Range[] = [];

// A segment is never longer than MAX_SEGMENT_MS, so those that overlap a range begin in one short stretch of the index.
const overlapping = (
  table: string,
): string => `FROM ${table} WHERE lens_id = (SELECT id FROM lens WHERE name = ?)
  AND start_ms > ? - ${MAX_SEGMENT_MS} AND start_ms < ? AND end_ms > CAST(? AS INTEGER)`;

/**
 * The columns of many rows as one row, each a list of JSON: handing a day's rows from SQLite to JavaScript value by value
 * takes four times as long as finding them. All columns of a row come in the same step, so they stay aligned.
 *
 * What is short is quick to write and to read, so starts count from the range that is asked for, and a receipt is the lowest
 * bit of the length. Hashes are concatenated as the bytes that they are, and of the rows without holes, nearly all, none is said.
 */
const SEGMENT_COLUMNS = `SELECT group_concat(start) AS starts, group_concat(length) AS lengths,
  group_concat(run_id) AS runs, group_concat(seq) AS seqs, group_concat(size_bytes) AS sizes,
  CAST(group_concat(sha256, '') AS BLOB) AS hashes,
  group_concat('[' || run_id || ',' || seq || ',' || holes || ']') FILTER (WHERE holes IS NOT NULL) AS holes`;

// better-sqlite3 binds a time as a floating-point number, and what is calculated with it would be one.
const COLUMNS = `start_ms - CAST(? AS INTEGER) AS start, (end_ms - start_ms) * 2 + receipted AS length,
  run_id, seq, size_bytes, sha256, holes`;

const FROM_RANGE = `${SEGMENT_COLUMNS} FROM (SELECT ${COLUMNS} ${overlapping('segment')}
  ORDER BY start_ms, run_id, seq LIMIT ?)`;

const FROM_KEY = `${SEGMENT_COLUMNS} FROM (SELECT ${COLUMNS} ${overlapping('segment')}
  AND (start_ms, run_id, seq) > (?, ?, ?) ORDER BY start_ms, run_id, seq LIMIT ?)`;

const DELETED = `SELECT group_concat(start_ms) AS starts, group_concat(end_ms - start_ms) AS lengths,
  group_concat('"' || reason || '"') AS reasons FROM (SELECT start_ms, end_ms, reason ${overlapping('tombstone')} ORDER BY start_ms LIMIT ?)`;

type Lists<Name extends string> = Record<Name, string | null>;
type SegmentLists = Lists<'starts' | 'lengths' | 'runs' | 'seqs' | 'sizes' | 'holes'> & {
  readonly hashes: Buffer | null;
};

/** Many rows at once: for lists that people and programs ask for. */
export class ListingQueries {
  readonly #statements: Statements;

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  /** Segments that overlap `range`, oldest first, at most `limit` of them; with `after`, those behind that place. */
  segments(lens: LensName, range: Range, limit: number, after?: ListingKey): ListedSegment[] {
    const within = [range.startMs, lens, range.startMs, range.endMs, range.startMs];
    const lists = after
      ? this.#statements.get<SegmentLists>(
          FROM_KEY,
          ...within,
          after.startMs,
          after.runOrder,
          after.seq,
          limit,
        )
      : this.#statements.get<SegmentLists>(FROM_RANGE, ...within, limit);
    return listed(lists!, range.startMs);
  }

  /** What was deleted of `range`, oldest first. */
  deleted(lens: LensName, range: Range, limit: number): Deletion[] {
    const lists = this.#statements.get<Lists<'starts' | 'lengths' | 'reasons'>>(
      DELETED,
      ...[lens, range.startMs, range.endMs, range.startMs],
      limit,
    )!;
    const starts = values<number>(lists.starts);
    const lengths = values<number>(lists.lengths);
    return values<TombstoneReason>(lists.reasons).map((reason, i) => ({
      startMs: starts[i]!,
      endMs: starts[i]! + lengths[i]!,
      reason,
    }));
  }
}

function listed(lists: SegmentLists, fromMs: EpochMs): ListedSegment[] {
  const starts = values<number>(lists.starts);
  const lengths = values<number>(lists.lengths);
  const runs = values<number>(lists.runs);
  const seqs = values<number>(lists.seqs);
  const sizes = values<number>(lists.sizes);
  const hashes = lists.hashes?.toString('hex') ?? '';
  assert(hashes.length === starts.length * HASH_BYTES * 2, 'every row has a hash');
  const holes = new Map<string, readonly Range[]>();
  for (const [run, seq, ranges] of values<[number, number, Range[]]>(lists.holes))
    holes.set(`${run}/${seq}`, ranges);
  let formerMs = Number.NEGATIVE_INFINITY;
  return starts.map((relativeMs, i) => {
    const startMs = fromMs + relativeMs;
    // SQLite keeps the order of the inner SELECT, but does not promise it.
    assert(startMs >= formerMs, 'rows are listed in order of time');
    formerMs = startMs;
    const length = lengths[i]!;
    const runOrder = runs[i]!;
    const seq = seqs[i]!;
    return {
      startMs,
      endMs: startMs + (length >> 1),
      runOrder,
      seq,
      sizeBytes: sizes[i]!,
      sha256: hashes.slice(i * HASH_BYTES * 2, (i + 1) * HASH_BYTES * 2),
      receipted: (length & 1) === 1,
      holes: holes.size === 0 ? NO_HOLES : (holes.get(`${runOrder}/${seq}`) ?? NO_HOLES),
    };
  });
}

function values<T>(list: string | null): T[] {
  return JSON.parse(`[${list ?? ''}]`) as T[];
}
