import { dirname, join } from 'node:path';
import { AppError, toAppError } from '@gapless/shared/errors';
import type { LensName } from '@gapless/shared/ids';
import type { AdoptionChange } from '../index/adoption-writer.js';
import { recordingDirectory, recordingPath, segmentPath } from '../index/paths.js';
import type { AdoptedFileRecord, SegmentRecord } from '../index/rows.js';
import type { AdoptionPort, AdoptionState, FoundFile } from './adoption.js';
import type { Measured } from './measure.js';
import { measure } from './measure.js';
import type { WrappedSegment } from './segment-draft.js';
import { SourceReader } from './source-reader.js';
import { wrapSegments } from './wrap-segments.js';

export interface Adoption {
  readonly file: Omit<AdoptedFileRecord, 'id'>;
  readonly segments: readonly SegmentRecord[];
  readonly state: AdoptionState;
  /** Why wrappers could not be moved to their days. */
  readonly left?: AppError | undefined;
}

/**
 * Adopts a file of another recorder in the numbered order of `docs/design/durability.md`: its segments exist as wrappers
 * before they have rows, and they get their rows all at once. A file that cannot be read is taken down as such.
 *
 * @throws EXTENT_SHORT when the file becomes shorter meanwhile, STORAGE_WRITE_FAILED, the signal's reason
 */
export async function adoptFile(
  port: AdoptionPort,
  found: FoundFile,
  state: AdoptionState,
  signal: AbortSignal,
): Promise<Adoption> {
  await using reader = await SourceReader.open(found.path, found.sizeBytes);
  const measured = await measureOrSay(reader, found);
  if ('unreadable' in measured)
    return await takeDown(port, found, { state, unreadable: measured.unreadable });
  const { lens, step, disk, storageDir, index } = port;
  const segments: SegmentRecord[] = [];
  let adopted: Adoption;
  const publish = async (segment: WrappedSegment): Promise<void> => {
    segments.push(segment.record);
    await writeWrapper(port, segment);
  };
  try {
    const wrapped = await wrapSegments({ ...port, found, reader, publish }, measured, state, signal);
    const { facts, damage } = wrapped;
    const became =
      segments.length === 0 ? (damage ? 'unreadable' : 'no-video') : damage ? 'partly' : 'adopted';
    const file = { ...rowOf(lens, found), state: became, detail: damage, facts } as const;
    if (segments.length > 0) {
      step('adopt:2-sync-directory');
      await disk.syncDirectory(join(storageDir, recordingDirectory(lens)));
    }
    step('adopt:3-rows');
    await index.adoption.adopt(file, wrapped.changes);
    adopted = { file, segments, state: wrapped.state };
  } catch (thrown) {
    // Without rows they are nothing; what a crash leaves of them is removed at the next start.
    for (const segment of segments)
      await port.disk.remove(join(port.storageDir, recordingPath(segment))).catch(() => undefined);
    throw thrown;
  }
  return { ...adopted, left: await moveToTheirDays(port, segments) };
}

async function measureOrSay(
  reader: SourceReader,
  found: FoundFile,
): Promise<Measured | { readonly unreadable: string }> {
  try {
    return await measure(reader, found);
  } catch (thrown) {
    // What the disk refuses says nothing about the file.
    if (thrown instanceof AppError && thrown.code.startsWith('MP4_')) return { unreadable: thrown.message };
    throw thrown;
  }
}

async function takeDown(
  { lens, index }: AdoptionPort,
  found: FoundFile,
  { state, unreadable }: { readonly state: AdoptionState; readonly unreadable: string },
): Promise<Adoption> {
  const file = { ...rowOf(lens, found), state: 'unreadable', detail: unreadable, facts: undefined } as const;
  const changes: AdoptionChange[] = [];
  await index.adoption.adopt(file, changes);
  return { file, segments: [], state };
}

function rowOf(lens: LensName, { directory, name, sizeBytes, modifiedMs }: FoundFile) {
  return { lens, directory, name, sizeBytes, modifiedMs };
}

async function writeWrapper(
  { disk, storageDir, step }: AdoptionPort,
  { record, wrapper }: WrappedSegment,
): Promise<void> {
  step('adopt:1-wrapper');
  const file = await disk.create(join(storageDir, recordingPath(record)));
  try {
    await file.write(wrapper, 0);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** They are held already, wherever they lie: what cannot be moved is moved at the next start. Returns why that is. */
async function moveToTheirDays(
  { disk, storageDir, step }: AdoptionPort,
  segments: readonly SegmentRecord[],
): Promise<AppError | undefined> {
  try {
    step('adopt:4-rename');
    const directories = new Set<string>();
    for (const segment of segments) {
      const to = join(storageDir, segmentPath(segment));
      await disk.rename(join(storageDir, recordingPath(segment)), to);
      directories.add(dirname(to));
    }
    step('adopt:5-sync-directories');
    for (const directory of directories) await disk.syncDirectory(directory);
    return undefined;
  } catch (thrown) {
    return toAppError(thrown);
  }
}
