import { basename, dirname, join } from 'node:path';
import { AppError } from '@gapless/shared/errors';
import type { DiskFile } from '@gapless/shared/fs';
import type { LensName } from '@gapless/shared/ids';
import { segmentId } from '@gapless/shared/ids';
import type { FragmentEntry, SegmentLayout } from '@gapless/shared/isobmff';
import { looksWritten, parseFragment, sealBox, sealedBytes, wallMs } from '@gapless/shared/isobmff';
import type { Log } from '@gapless/shared/log';
import type { IndexReader } from '../index/index-reader.js';
import { isWrapperPath, parseSegmentFileName, segmentPath } from '../index/paths.js';
import type { SegmentRecord } from '../index/rows.js';
import type { SegmentFileFacts } from '../index/segment-file.js';
import { byteSource, hashFile, readSegmentFile, runOf, segmentRecordOf } from '../index/segment-file.js';
import type { SegmentPort } from './segment-writer.js';

export interface RecoveryPort extends SegmentPort {
  readonly reader: IndexReader;
  /** Of the boot in which the agent runs. */
  readonly bootId: string;
  readonly log: Log;
}

/**
 * Brings one file of a lens's recording directory to where it belongs, by the numbered steps of
 * `docs/design/durability.md`.
 *
 * @throws MP4_* when its head cannot be read, SEGMENT_FOREIGN when it is of another lens or another recorder,
 *   SEGMENT_GIVEN_UP, STORAGE_WRITE_FAILED
 */
export async function recoverFile(port: RecoveryPort, lens: LensName, path: string): Promise<void> {
  const { disk, step, storageDir } = port;
  if (isWrapperPath(path)) return recoverWrapper(port, lens, path);
  if ((await disk.sizeBytes(path)) === 0) {
    await disk.remove(path); // the power went between the creation and the first byte
    return;
  }
  const file = await disk.open(path);
  let record: SegmentRecord | undefined;
  try {
    record = await recordOf(port, lens, file);
  } finally {
    await file.close();
  }
  if (!record) {
    await disk.remove(path);
    return;
  }
  step('recover:4-rename');
  const target = join(storageDir, segmentPath(record));
  await disk.rename(path, target);
  step('recover:5-sync-directories');
  await disk.syncDirectory(dirname(target));
}

/**
 * A wrapper has its row, and is moved to its day; or it has none, and then the file that it was made of will be adopted again,
 * as if for the first time.
 */
async function recoverWrapper(port: RecoveryPort, lens: LensName, path: string): Promise<void> {
  const { disk, reader, step, storageDir } = port;
  const name = parseSegmentFileName(basename(path));
  const record = name && reader.segments.ofFile(lens, name);
  if (!record) {
    await disk.remove(path);
    return;
  }
  step('recover:4-rename');
  const target = join(storageDir, segmentPath(record));
  await disk.rename(path, target);
  step('recover:5-sync-directories');
  await disk.syncDirectory(dirname(target));
}

/** The segment's row, made if it is not there yet; undefined for a file that holds no footage. */
async function recordOf(
  port: RecoveryPort,
  lens: LensName,
  file: DiskFile,
): Promise<SegmentRecord | undefined> {
  const { reader, index, step, log } = port;
  const facts = await readSegmentFile(await byteSource(file));
  const { identity, layout } = facts;
  if (identity.lens !== lens)
    throw new AppError('SEGMENT_FOREIGN', `the file says that it is of the lens ${identity.lens}`);
  const known = reader.segments.get(identity);
  if (known) return known;
  if (reader.tombstones.get(identity))
    throw new AppError('SEGMENT_FOREIGN', 'the segment has been deleted already');
  if (wasGivenUp(reader, facts))
    throw new AppError('SEGMENT_GIVEN_UP', 'the disk failed while the segment was written');
  const record = (await isClosed(file, layout))
    ? await recordOfClosed(port, file, facts)
    : await closeTorn(port, file, facts);
  if (!record) return undefined;
  if (!reader.runs.get(record.lens, record.run)) await index.beginRun(runOf(facts));
  step('recover:3-row');
  await index.addSegment(record);
  log.warn(
    { segment: segmentId(record), endMs: record.endMs, damage: layout.damage?.message },
    'open segment recovered',
  );
  return record;
}

/**
 * Whether the run ended without the segment: then a write or a sync of it had failed, and what can be read of it proves
 * nothing. The disk that failed would not let it be moved away.
 */
function wasGivenUp(reader: IndexReader, { identity, layout }: SegmentFileFacts): boolean {
  const endMs = reader.runs.get(identity.lens, identity.run)?.endMs;
  const [first] = layout.fragments;
  return endMs !== undefined && first !== undefined && wallMs(identity, first.startTicks) >= endMs;
}

/**
 * Whether the file is complete: sealed, and what it holds is what was sealed. When the power goes just as a segment is
 * closed, the seal can be on the disk and what stands before it not.
 */
async function isClosed(file: DiskFile, layout: SegmentLayout): Promise<boolean> {
  const { seal, tailOffset, damage } = layout;
  if (!seal || tailOffset === undefined || damage) return false;
  return (await hashFile(file, tailOffset)) === seal.sha256;
}

async function recordOfClosed(
  port: RecoveryPort,
  file: DiskFile,
  facts: SegmentFileFacts,
): Promise<SegmentRecord> {
  port.step('recover:2-sync-file');
  await file.sync();
  const sizeBytes = await file.sizeBytes();
  return segmentRecordOf(facts, { sizeBytes, sha256: await hashFile(file, sizeBytes) });
}

/** Cuts a torn file after its last whole fragment and seals it; undefined if it has none. */
async function closeTorn(
  port: RecoveryPort,
  file: DiskFile,
  facts: SegmentFileFacts,
): Promise<SegmentRecord | undefined> {
  const wholeLength = await writtenLength(file, facts.layout);
  if (wholeLength === undefined) return undefined;
  port.step('recover:1-cut-and-seal');
  await file.truncate(wholeLength);
  const whole = await readSegmentFile(await byteSource(file));
  const { identity } = whole;
  const previous = port.reader.segments.lastSha256(identity.lens);
  const draft = segmentRecordOf(whole, { sizeBytes: wholeLength, sha256: '' });
  const statement = {
    v: 1 as const,
    endMs: draft.endMs,
    fragments: draft.fragmentCount,
    sha256: await hashFile(file, wholeLength),
    key: port.evidence.id,
    ...(previous === undefined ? {} : { previous }),
  };
  const signature = Buffer.from(port.evidence.sign(sealedBytes(identity, statement))).toString('hex');
  const seal = sealBox({ ...statement, signature });
  await file.write(seal, wholeLength);
  port.step('recover:2-sync-file');
  await file.sync();
  const sizeBytes = wholeLength + seal.length;
  return { ...draft, sizeBytes, sha256: await hashFile(file, sizeBytes) };
}

/**
 * Where the last fragment ends before the first that does not look written out: blocks reach the disk in any order, so
 * a power cut can leave a hole with whole boxes behind it. Undefined if there is not one whole fragment.
 */
async function writtenLength(file: DiskFile, layout: SegmentLayout): Promise<number | undefined> {
  let length: number | undefined;
  for (const entry of layout.fragments) {
    if (!(await isWritten(file, entry, layout))) break;
    length = entry.offset + entry.sizeBytes;
  }
  return length;
}

async function isWritten(file: DiskFile, entry: FragmentEntry, { init }: SegmentLayout): Promise<boolean> {
  const bytes = new Uint8Array(entry.sizeBytes);
  if ((await file.read(bytes, entry.offset)) < bytes.length) return false;
  return looksWritten(bytes, parseFragment(bytes, init));
}
