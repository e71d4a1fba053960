import type { SegmentRef } from '@gapless/shared/ids';
import { hex } from '@gapless/shared/ids';
import type { TombstoneReason } from '@gapless/shared/protocol';
import type { Statements } from '@gapless/shared/sqlite';
import type { EpochMs } from '@gapless/shared/time';
import type { Changed, TombstoneRecord } from './rows.js';

/** How segments are buried. */
export interface BurialFacts {
  readonly deletedMs: EpochMs;
  readonly reason: TombstoneReason;
  /** Whether what is protected goes, too; without it that is left out. */
  readonly evenProtected?: boolean;
}

interface Columns {
  readonly run_id: number;
  readonly lens_id: number;
  readonly start_ms: number;
  readonly end_ms: number;
  readonly file_start_ms: number;
  readonly size_bytes: number;
  readonly sha256: Uint8Array;
}

/** Replaces the row of a segment by its tombstone, inside a transaction; undefined if there is nothing to be buried. */
export function burySegment(
  statements: Statements,
  { lens, run, seq }: SegmentRef,
  facts: BurialFacts & { readonly nextChange: () => number },
): Changed<TombstoneRecord> | undefined {
  const segment = statements.get<Columns>(
    `DELETE FROM segment WHERE seq = ? AND (protected = 0 OR ?)
       AND run_id = (SELECT r.id FROM run r JOIN lens l ON l.id = r.lens_id WHERE l.name = ? AND r.name = ?)
     RETURNING run_id, lens_id, start_ms, end_ms, file_start_ms, size_bytes, sha256`,
    seq,
    facts.evenProtected ? 1 : 0,
    lens,
    run,
  );
  if (!segment) return undefined;
  const { deletedMs, reason } = facts;
  const changeSeq = facts.nextChange();
  statements.run(
    `INSERT INTO tombstone (run_id, seq, lens_id, start_ms, end_ms, size_bytes, sha256, deleted_ms, reason, change_seq,
       file_start_ms, file_gone) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)`,
    segment.run_id,
    seq,
    segment.lens_id,
    segment.start_ms,
    segment.end_ms,
    segment.size_bytes,
    segment.sha256,
    deletedMs,
    reason,
    changeSeq,
    segment.file_start_ms,
  );
  const row: TombstoneRecord = {
    lens,
    run,
    seq,
    startMs: segment.start_ms,
    endMs: segment.end_ms,
    fileStartMs: segment.file_start_ms,
    sizeBytes: segment.size_bytes,
    sha256: hex(segment.sha256),
    deletedMs,
    reason,
  };
  return { seq: changeSeq, row };
}
