import type { LensName } from '@gapless/shared/ids';
import { MAX_SEQ } from '@gapless/shared/ids';
import {
  absenceReasons,
  byteCount,
  epochMs,
  label,
  runEndReasons,
  runId,
  sha256Hex,
  tombstoneReasons,
} from '@gapless/shared/protocol';
import { utcDay } from '@gapless/shared/time';
import { z } from 'zod';
import type { Day, SegmentFile } from '../paths.js';
import { dayOfRun, dayOfSegment } from '../paths.js';
import type { AbsenceRecord, ProtectionRecord, RunRecord, TombstoneRecord } from '../rows.js';

/** Version of a journal's lines. A reader leaves out lines of another version and says so. */
const VERSION = 1;

/** The longest line: a detail of 500 characters, each escaped. */
export const MAX_LINE_BYTES = 8 * 1024;

const extent = (row: { readonly startMs: number; readonly endMs: number }): boolean =>
  row.startMs < row.endMs;
const seq = z.int().min(0).max(MAX_SEQ);
const line = { v: z.literal(VERSION) };

/** A run as it begins, and once more when it has ended. */
const run = z
  .object({
    ...line,
    kind: z.literal('run'),
    order: z.int().min(1),
    run: runId,
    bootId: z.string().max(64),
    monotonicMs: z.int(),
    clockTrusted: z.boolean(),
    startMs: epochMs,
    codecs: z.array(label).max(8),
    width: z.int().min(0).max(65_535).optional(),
    height: z.int().min(0).max(65_535).optional(),
    endMs: epochMs.optional(),
    endReason: z.enum(runEndReasons).optional(),
  })
  .refine(
    ({ startMs, endMs, endReason }) =>
      (endMs ?? startMs) >= startMs && (endMs === undefined) === (endReason === undefined),
    'it ends before it begins',
  );

const absence = z
  .object({
    ...line,
    kind: z.literal('absence'),
    startMs: epochMs,
    endMs: epochMs,
    reason: z.enum(absenceReasons),
    detail: label.optional(),
  })
  .refine(extent, 'it ends before it begins');

const tombstone = z
  .object({
    ...line,
    kind: z.literal('tombstone'),
    run: runId,
    seq,
    startMs: epochMs,
    endMs: epochMs,
    fileStartMs: epochMs,
    sizeBytes: byteCount,
    sha256: sha256Hex,
    deletedMs: epochMs,
    reason: z.enum(tombstoneReasons),
  })
  .refine(extent, 'it ends before it begins');

const receipt = z.object({ ...line, kind: z.literal('receipt'), run: runId, seq, sha256: sha256Hex });

/** A pin. These lines have a file of their own, see `protections-file.ts`. */
const protection = z
  .object({
    ...line,
    kind: z.literal('protection'),
    holder: label.min(1).max(64),
    startMs: epochMs,
    endMs: epochMs,
    reason: label,
    madeMs: epochMs,
    expiresMs: epochMs.optional(),
  })
  .refine(extent, 'it ends before it begins');

const entry = z.discriminatedUnion('kind', [run, absence, tombstone, receipt, protection]);

/** A line of a journal. The lens is that of the directory in which the journal lies. */
export type JournalEntry = z.infer<typeof entry>;

/** An entry on its way into the journal of a lens's day. */
export interface JournalNote {
  readonly lens: LensName;
  readonly day: Day;
  readonly entry: JournalEntry;
  /** Change sequence of the row that it repeats; undefined for receipts, which have none. */
  readonly changeSeq: number | undefined;
}

export function runNote({ lens, ...row }: RunRecord, changeSeq: number): JournalNote {
  const { width, height, endMs, endReason, codecs, ...rest } = row;
  const entry: JournalEntry = {
    v: VERSION,
    kind: 'run',
    ...rest,
    codecs: [...codecs],
    ...(width === undefined ? {} : { width }),
    ...(height === undefined ? {} : { height }),
    ...(endMs === undefined ? {} : { endMs }),
    ...(endReason === undefined ? {} : { endReason }),
  };
  return { lens, day: dayOfRun(row.run), entry, changeSeq };
}

export function absenceNote({ lens, ...row }: AbsenceRecord, changeSeq: number): JournalNote {
  const { detail, ...rest } = row;
  const entry: JournalEntry = {
    v: VERSION,
    kind: 'absence',
    ...rest,
    ...(detail === undefined ? {} : { detail }),
  };
  return { lens, day: utcDay(row.startMs), entry, changeSeq };
}

export function tombstoneNote({ lens, ...row }: TombstoneRecord, changeSeq: number): JournalNote {
  return { lens, day: dayOfSegment(row), entry: { v: VERSION, kind: 'tombstone', ...row }, changeSeq };
}

export function receiptNote({ lens, run, seq, ...row }: SegmentFile & { sha256: string }): JournalNote {
  const entry = { v: VERSION, kind: 'receipt', run, seq, sha256: row.sha256 } as const;
  return { lens, day: dayOfSegment(row), entry, changeSeq: undefined };
}

export function protectionEntry({ lens: _lens, expiresMs, ...row }: ProtectionRecord): JournalEntry {
  return { v: VERSION, kind: 'protection', ...row, ...(expiresMs === undefined ? {} : { expiresMs }) };
}

/** One line, with its end. */
export function formatEntry(value: JournalEntry): string {
  return `${JSON.stringify(value)}\n`;
}

/** Reads a line without its end; for one that is no entry, says why in one sentence. */
export function parseEntry(text: string): JournalEntry | { readonly unreadable: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { unreadable: 'is no JSON' };
  }
  const parsed = entry.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  return { unreadable: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}` };
}
