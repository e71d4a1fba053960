import { MINUTE_MS } from '@gapless/shared/time';
import type { IndexReader } from '../index-reader.js';
import type { IndexWriter } from '../index-writer.js';
import type { JournalNote } from './entry.js';
import { absenceNote, runNote, tombstoneNote } from './entry.js';
import type { Journal } from './journal.js';

export interface JournalKeeping {
  readonly reader: IndexReader;
  readonly index: IndexWriter;
  readonly journal: Journal;
}

/** How often the journal is to be settled; what is younger is written again from the index after a crash. */
export const JOURNAL_SYNC_MS = 5 * MINUTE_MS;

const PAGE = 500;

/**
 * Notes again what may be missing from the journal: every row changed since the journal was last known to be on the
 * disk. Called at the start, and after the disk refused a line.
 */
export function catchUp({ reader, journal }: Pick<JournalKeeping, 'reader' | 'journal'>): Promise<void> {
  const from = reader.journalSeq;
  const each = async <T extends { readonly seq: number }>(
    page: (after: number) => readonly T[],
    noteOf: (row: T) => JournalNote,
  ): Promise<void> => {
    for (let rows = page(from); rows.length > 0; rows = page(rows.at(-1)!.seq)) {
      for (const row of rows) journal.note(noteOf(row));
      await journal.flush();
    }
  };
  return journal.catchUp(reader.changeSeq, async () => {
    await each(
      (after) => reader.runs.changedAfter(after, PAGE),
      ({ row, seq }) => runNote(row, seq),
    );
    await each(
      (after) => reader.absences.changedAfter(after, PAGE),
      ({ row, seq }) => absenceNote(row, seq),
    );
    await each(
      (after) => reader.tombstones.changedAfter(after, PAGE),
      ({ row, seq }) => tombstoneNote(row, seq),
    );
  });
}

/** Syncs the journal, after putting right what is missing from it, and takes note of how far it reaches. */
export async function settleJournal({ reader, index, journal }: JournalKeeping): Promise<void> {
  if (journal.isBehind) await catchUp({ reader, journal });
  const seq = await journal.sync();
  if (seq !== undefined && seq > reader.journalSeq) await index.noteJournal(seq);
}
