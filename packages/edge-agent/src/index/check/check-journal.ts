import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { LensName } from '@gapless/shared/ids';
import type { JournalEntry, JournalNote } from '../journal/entry.js';
import { absenceNote, runNote, tombstoneNote } from '../journal/entry.js';
import { readJournal } from '../journal/read-journal.js';
import type { Day } from '../paths.js';
import { journalPath } from '../paths.js';
import type { CheckPort } from './check-port.js';
import { REMEDIES } from './finding.js';

/**
 * Everything that only the journal could restore stands in it: runs, absences and tombstones, as the index has them.
 * What changed since the journal was last known to be on the disk is left out, unless the agent stopped in an orderly
 * way. Holds the entries of one day.
 */
export async function checkJournals(port: CheckPort, lens: LensName): Promise<void> {
  for (const day of port.reader.days.ofLens(lens)) await checkJournal(port, lens, day);
}

async function checkJournal(port: CheckPort, lens: LensName, day: Day): Promise<void> {
  const { reader, report, isRunning } = port;
  const path = journalPath(lens, day);
  const throughSeq = reader.stoppedMs === undefined || isRunning() ? reader.journalSeq : reader.changeSeq;
  // The rows first: what they say is in the journal by now, and later lines only add to it.
  const notes = notesOf(port, lens, day).filter(({ changeSeq }) => (changeSeq ?? 0) <= throughSeq);
  const entries = await lastEntries(port, lens, path);
  for (const note of notes) {
    const entry = entries.get(keyOf(note.entry));
    if (entry && isDeepStrictEqual(entry, note.entry)) continue;
    if (isRunning() && hasChanged(port, note)) continue;
    const detail = `the journal ${entry ? 'says otherwise of' : 'lacks'} ${keyOf(note.entry)}`;
    const remedy = 'Start the agent once with this version; if this comes back, check the disk.';
    report({ invariant: 'journal', severity: 'error', lens, path, detail, remedy });
  }
  function hasChanged(now: CheckPort, { changeSeq }: JournalNote): boolean {
    return !notesOf(now, lens, day).some((note) => note.changeSeq === changeSeq);
  }
}

/** What the journal of a day has to say. */
function notesOf({ reader }: CheckPort, lens: LensName, day: Day): JournalNote[] {
  return [
    ...reader.runs.ofDay(lens, day).map(({ row, seq }) => runNote(row, seq)),
    ...reader.absences.ofDay(lens, day).map(({ row, seq }) => absenceNote(row, seq)),
    ...reader.tombstones.ofDay(lens, day).map(({ row, seq }) => tombstoneNote(row, seq)),
  ];
}

async function lastEntries(
  { storageDir, report }: CheckPort,
  lens: LensName,
  path: string,
): Promise<Map<string, JournalEntry>> {
  const entries = new Map<string, JournalEntry>();
  if (!existsSync(join(storageDir, path))) return entries;
  for await (const entry of readJournal(join(storageDir, path))) {
    if ('unreadable' in entry) {
      const detail = `line ${entry.line} ${entry.unreadable}`;
      report({ invariant: 'journal', severity: 'warning', lens, path, detail, remedy: REMEDIES.foreign });
    } else if (entry.kind !== 'receipt') {
      entries.set(keyOf(entry), entry);
    }
  }
  return entries;
}

/** What an entry is about; a later one of the same replaces it. */
function keyOf(entry: JournalEntry): string {
  switch (entry.kind) {
    case 'run':
      return `run ${entry.run}`;
    case 'absence':
      return `absence ${entry.startMs}`;
    case 'protection':
      return `protection ${entry.holder} ${entry.startMs}`;
    case 'tombstone':
    case 'receipt':
      return `${entry.kind} ${entry.run}/${entry.seq}`;
  }
}
