import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, errnoOf, toAppError } from '@gapless/shared/errors';
import type { LensName } from '@gapless/shared/ids';
import { isName, parseLensName } from '@gapless/shared/ids';
import type { SegmentSeal } from '@gapless/shared/isobmff';
import type { Day, SegmentFileName } from '../paths.js';
import { isDay, isWrapperPath, journalPath, parseSegmentFileName, protectionsPath } from '../paths.js';
import { readJournal } from '../journal/read-journal.js';
import { ReadFile } from '../read-file.js';
import type { NewRun, SegmentRecord } from '../rows.js';
import { readSegmentFile, runOf, segmentRecordOf } from '../segment-file.js';
import type { SourceFile } from '../wrapper.js';
import type { Staging } from './staging.js';

/** Something among the recordings that does not come into the index. */
export interface LeftOut {
  /** Below the storage directory. */
  readonly path: string;
  /** Why, as one sentence. */
  readonly detail: string;
}

export interface RecordingsPort {
  readonly storageDir: string;
  readonly staging: Staging;
  /** Whether every file is read to its last byte, instead of taking its hash from the seal of the one behind it. */
  readonly readData: boolean;
  readonly onLeftOut: (left: LeftOut) => void;
  /** Called for every file; throws to stop. */
  readonly onFile: () => void | Promise<void>;
}

/** A segment whose hash is not known yet. */
interface Pending {
  readonly path: string;
  readonly draft: SegmentRecord;
  readonly run: NewRun;
  readonly sealed: Sealed | undefined;
  /** The other recorder's file, for an adopted segment. */
  readonly source: SourceFile | undefined;
  /** What is wrong with it, as one sentence; undefined as long as nothing is known to be. */
  readonly damage: string | undefined;
}

interface Sealed {
  readonly seal: SegmentSeal;
  readonly tailOffset: number;
}

/** The lenses that have recordings. */
export function lensesIn(storageDir: string): LensName[] {
  return namesIn(storageDir)
    .filter(isName)
    .map(parseLensName)
    .filter(
      (lens) => daysOf(storageDir, lens).length > 0 || existsSync(join(storageDir, protectionsPath(lens))),
    );
}

/** Whether there is any segment file. */
export function hasRecordings(storageDir: string): boolean {
  return lensesIn(storageDir).some((lens) =>
    daysOf(storageDir, lens).some((day) => filesOf(storageDir, lens, day).length > 0),
  );
}

/** How many segment files there are, by their names. */
export function countFiles(storageDir: string): number {
  let count = 0;
  for (const lens of lensesIn(storageDir))
    for (const day of daysOf(storageDir, lens)) count += filesOf(storageDir, lens, day).length;
  return count;
}

/** Takes down everything that the journals and the files of a lens say. Holds one line or one file at a time. */
export async function readRecordings(port: RecordingsPort, lens: LensName): Promise<void> {
  const days = daysOf(port.storageDir, lens);
  await readJournalFile(port, lens, protectionsPath(lens));
  for (const day of days) await readJournalFile(port, lens, journalPath(lens, day));
  let pending: Pending | undefined;
  for (const day of days) {
    for (const { name, path } of filesOf(port.storageDir, lens, day)) {
      await port.onFile();
      const next = await readSegment(port, lens, { name, path });
      if (!next) continue;
      if (pending) complete(port, pending, next);
      pending = next;
    }
  }
  if (pending) complete(port, pending, undefined);
}

async function readJournalFile(
  { storageDir, staging, onLeftOut }: RecordingsPort,
  lens: LensName,
  path: string,
): Promise<void> {
  if (!existsSync(join(storageDir, path))) return;
  for await (const entry of readJournal(join(storageDir, path))) {
    if ('unreadable' in entry) onLeftOut({ path, detail: `line ${entry.line} ${entry.unreadable}` });
    else staging.addEntry(lens, entry);
  }
}

async function readSegment(
  port: RecordingsPort,
  lens: LensName,
  { name, path }: { readonly name: SegmentFileName; readonly path: string },
): Promise<Pending | undefined> {
  try {
    using file = ReadFile.open(join(port.storageDir, path));
    if (!file && isWrapperPath(path))
      throw new AppError('SEGMENT_GONE', "its recorder's file is not there any more or was changed");
    if (!file) return undefined;
    const facts = await readSegmentFile(file);
    const { identity, layout } = facts;
    if (identity.lens !== lens || identity.seq !== name.seq || !identity.run.endsWith(`-${name.runSuffix}`))
      throw new AppError('SEGMENT_FOREIGN', 'the file says that it is another segment than its name does');
    if (port.staging.markFileLeft(identity)) return undefined;
    const { seal, tailOffset, damage, fragments } = layout;
    if (damage && fragments.length === 0) throw damage;
    const record = segmentRecordOf(facts, { sizeBytes: file.sizeBytes, sha256: '' });
    const sealed = seal && tailOffset !== undefined ? { seal, tailOffset } : undefined;
    return {
      path,
      draft: { ...record, fileStartMs: name.fileStartMs, adopted: file.source !== undefined },
      source: file.source,
      run: runOf(facts),
      sealed,
      damage: damage?.message ?? (sealed ? undefined : 'the file has no seal'),
    };
  } catch (thrown) {
    port.onLeftOut({ path, detail: toAppError(thrown).message });
    return undefined;
  }
}

/**
 * Gives a segment its hash: the seal of the one behind it says what it was when it was closed, so that only the last of
 * a run has to be read to its end. A file that has been damaged since keeps its true hash, and whoever reads it finds
 * out. One that is known to be damaged becomes a tombstone, and the next start of the agent puts it into quarantine.
 */
function complete(port: RecordingsPort, pending: Pending, next: Pending | undefined): void {
  const { path, draft, run, source } = pending;
  const named = next?.sealed?.seal.previous;
  const follows = next?.draft.run === draft.run && next.draft.seq === draft.seq + 1;
  let sha256 = follows ? named : undefined;
  let { damage } = pending;
  if (damage === undefined && (sha256 === undefined || port.readData)) {
    const { whole, isSealed } = hashOf(port, pending);
    if (!isSealed || (sha256 !== undefined && whole !== sha256))
      damage = 'the file is not what was sealed: it is damaged';
    sha256 = damage === undefined ? whole : sha256;
  }
  if (damage !== undefined) {
    port.onLeftOut({ path, detail: damage });
    port.staging.addCorrupt({ ...draft, sha256: sha256 ?? named ?? hashOf(port, pending).whole }, run);
  } else if (!port.staging.addSegment({ ...draft, sha256: sha256! }, run, source)) {
    port.onLeftOut({ path, detail: 'there is another file of the same segment' });
  }
}

/** The hash of a file, and whether it holds what its own seal says. */
function hashOf(
  { storageDir }: RecordingsPort,
  { path, sealed }: Pick<Pending, 'path' | 'sealed'>,
): { readonly whole: string; readonly isSealed: boolean } {
  using file = ReadFile.open(join(storageDir, path));
  if (!file) throw new AppError('SEGMENT_GONE', `the file ${path} went away while it was read`);
  const { whole, before } = file.hash(Math.min(sealed?.tailOffset ?? 0, file.sizeBytes));
  return { whole, isSealed: before === sealed?.seal.sha256 };
}

function daysOf(storageDir: string, lens: LensName): Day[] {
  return namesIn(join(storageDir, lens)).filter(isDay);
}

function filesOf(storageDir: string, lens: LensName, day: Day): { name: SegmentFileName; path: string }[] {
  return namesIn(join(storageDir, lens, day)).flatMap((text) => {
    const name = parseSegmentFileName(text);
    return name ? [{ name, path: join(lens, day, text) }] : [];
  });
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch (thrown) {
    const errno = errnoOf(thrown);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return [];
    throw thrown;
  }
}
