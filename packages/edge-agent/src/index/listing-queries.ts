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

const HASH_CHARACTERS = 64;

// A segment is never longer than MAX_SEGMENT_MS, so those that overlap a range begin in one short stretch of the index.
const overlapping = (
  table: string,
): string => `FROM ${table} WHERE lens_id = (SELECT id FROM lens WHERE name = ?)
  AND start_ms > ? - ${MAX_SEGMENT_MS} AND start_ms < ? AND end_ms > ?`;

/**
 * The columns of many rows as one row, each a list of JSON: handing a day's rows from SQLite to JavaScript value by value
 * takes four times as long as finding them. All columns of a row come in the same step, so they stay aligned.
 */
const SEGMENT_COLUMNS = `SELECT group_concat(start_ms) AS starts, group_concat(end_ms - start_ms) AS lengths,
  group_concat(run_id) AS runs, group_concat(seq) AS seqs, group_concat(size_bytes) AS sizes,
  group_concat(receipted) AS receipts, group_concat(hex(sha256), '') AS hashes,
  group_concat(coalesce(holes, '[]')) AS holes`;

// Not all columns: the fragment tables are half of the bytes.
const COLUMNS = 'start_ms, end_ms, run_id, seq, size_bytes, sha256, receipted, holes';

const FROM_RANGE = `${SEGMENT_COLUMNS} FROM (SELECT ${COLUMNS} ${overlapping('segment')}
  ORDER BY start_ms, run_id, seq LIMIT ?)`;

const FROM_KEY = `${SEGMENT_COLUMNS} FROM (SELECT ${COLUMNS} ${overlapping('segment')}
  AND (start_ms, run_id, seq) > (?, ?, ?) ORDER BY start_ms, run_id, seq LIMIT ?)`;

const DELETED = `SELECT group_concat(start_ms) AS starts, group_concat(end_ms - start_ms) AS lengths,
  group_concat('"' || reason || '"') AS reasons FROM (SELECT start_ms, end_ms, reason ${overlapping('tombstone')} ORDER BY start_ms LIMIT ?)`;

type Lists<Name extends string> = Record<Name, string | null>;
type SegmentLists = Lists<'starts' | 'lengths' | 'runs' | 'seqs' | 'sizes' | 'receipts' | 'hashes' | 'holes'>;

/** Many rows at once: for lists that people and programs ask for. */
export class ListingQueries {
  readonly #statements: Statements;

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  /** Segments that overlap `range`, oldest first, at most `limit` of them; with `after`, those behind that place. */
  segments(lens: LensName, range: Range, limit: number, after?: ListingKey): ListedSegment[] {
    const within = [lens, range.startMs, range.endMs, range.startMs];
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
    return lists ? listed(lists) : [];
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

function listed(lists: SegmentLists): ListedSegment[] {
  const lengths = values<number>(lists.lengths);
  const runs = values<number>(lists.runs);
  const seqs = values<number>(lists.seqs);
  const sizes = values<number>(lists.sizes);
  const receipts = values<number>(lists.receipts);
  const hashes = (lists.hashes ?? '').toLowerCase();
  const holes = values<Range[]>(lists.holes);
  let formerMs = 0;
  return values<number>(lists.starts).map((startMs, i) => {
    // SQLite keeps the order of the inner SELECT, but does not promise it.
    assert(startMs >= formerMs, 'rows are listed in order of time');
    formerMs = startMs;
    return {
      startMs,
      endMs: startMs + lengths[i]!,
      runOrder: runs[i]!,
      seq: seqs[i]!,
      sizeBytes: sizes[i]!,
      sha256: hashes.slice(i * HASH_CHARACTERS, (i + 1) * HASH_CHARACTERS),
      receipted: receipts[i] === 1,
      holes: holes[i]!,
    };
  });
}

function values<T>(list: string | null): T[] {
  return JSON.parse(`[${list ?? ''}]`) as T[];
}
