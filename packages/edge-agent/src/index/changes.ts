import type { Change } from '@gapless/shared/protocol';
import type { IndexReader } from './index-reader.js';
import type { AbsenceRecord, RunRecord, SegmentRecord, TombstoneRecord } from './rows.js';

/** What changed after a change sequence, oldest first. */
export interface ChangePage {
  readonly changes: Change[];
  /** The sequence up to which these changes tell everything. */
  readonly throughSeq: number;
  readonly complete: boolean;
}

/** The first `limit` changes after `afterSeq`, from all kinds of rows, merged by their change sequence. */
export function changesAfter(reader: IndexReader, afterSeq: number, limit: number): ChangePage {
  const newest = reader.changeSeq;
  // One more of each kind than fits, so that a full page is never mistaken for the last one.
  const ask = limit + 1;
  const changes: Change[] = [
    ...reader.runs
      .changedAfter(afterSeq, ask)
      .map(({ seq, row }) => ({ kind: 'run' as const, seq, row: runRow(row) })),
    ...reader.segments
      .changedAfter(afterSeq, ask)
      .map(({ seq, row }) => ({ kind: 'segment' as const, seq, row: segmentRow(row) })),
    ...reader.tombstones
      .changedAfter(afterSeq, ask)
      .map(({ seq, row }) => ({ kind: 'tombstone' as const, seq, row: tombstoneRow(row) })),
    ...reader.absences
      .changedAfter(afterSeq, ask)
      .map(({ seq, row }) => ({ kind: 'absence' as const, seq, row: absenceRow(row) })),
  ];
  changes.sort((a, b) => a.seq - b.seq);
  const page = changes.slice(0, limit);
  const complete = changes.length <= limit;
  // Rows that changed again since carry their newest sequence only, so sequences may be missing in between.
  return { changes: page, throughSeq: complete ? newest : page.at(-1)!.seq, complete };
}

export function segmentRow(s: SegmentRecord) {
  return {
    lens: s.lens,
    run: s.run,
    seq: s.seq,
    startMs: s.startMs,
    endMs: s.endMs,
    sizeBytes: s.sizeBytes,
    sha256: s.sha256,
    firstFragment: s.firstFragment,
    fragments: s.fragmentCount,
    ...(s.holes.length === 0 ? {} : { holes: [...s.holes] }),
  };
}

export function runRow(r: RunRecord) {
  return {
    lens: r.lens,
    run: r.run,
    startMs: r.startMs,
    codecs: [...r.codecs],
    ...(r.endMs === undefined ? {} : { endMs: r.endMs }),
    ...(r.endReason === undefined ? {} : { endReason: r.endReason }),
    ...(r.width === undefined ? {} : { width: r.width }),
    ...(r.height === undefined ? {} : { height: r.height }),
  };
}

export function tombstoneRow({ fileStartMs: _fileStartMs, ...row }: TombstoneRecord) {
  return row;
}

export function absenceRow(a: AbsenceRecord) {
  const { detail, ...row } = a;
  return { ...row, ...(detail === undefined ? {} : { detail: detail.slice(0, 500) }) };
}
