import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, errnoOf } from '@gapless/shared/errors';
import { ExtentList } from '@gapless/shared/extents';
import { diskError } from '@gapless/shared/fs';
import { segmentId } from '@gapless/shared/ids';
import { recordingPath, segmentPath } from './paths.js';
import type { SegmentRecord } from './rows.js';
import type { SourceFile } from './wrapper.js';
import { decodeWrapper } from './wrapper.js';

/**
 * The bytes of a closed segment, wherever they lie.
 *
 * @throws SEGMENT_GONE for an adopted one whose recorder has deleted or changed its file, SEGMENT_FOREIGN, STORAGE_*
 */
export async function segmentContent(storageDir: string, segment: SegmentRecord): Promise<ExtentList> {
  const path = join(storageDir, segmentPath(segment));
  if (!segment.adopted) return new ExtentList([{ kind: 'file', path, offset: 0, length: segment.sizeBytes }]);
  const { source, content } = decodeWrapper(await readWrapper(storageDir, segment));
  if (!(await isUnchanged(source)))
    throw new AppError(
      'SEGMENT_GONE',
      `${source.path}, of which ${segmentId(segment)} is made, is not there any more or was changed`,
    );
  return content;
}

/** Whether a file of another recorder is as it was when it was adopted. */
export async function isUnchanged({ path, sizeBytes, modifiedMs }: SourceFile): Promise<boolean> {
  try {
    const now = await stat(path);
    return now.size === sizeBytes && Math.floor(now.mtimeMs) === modifiedMs;
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT' || errnoOf(thrown) === 'ENOTDIR') return false;
    throw diskError('stat', path, thrown);
  }
}

/** It has its row a moment before it has its place. */
async function readWrapper(storageDir: string, segment: SegmentRecord): Promise<Uint8Array> {
  const path = join(storageDir, segmentPath(segment));
  for (const at of [path, join(storageDir, recordingPath(segment)), path]) {
    try {
      return await readFile(at);
    } catch (thrown) {
      if (errnoOf(thrown) !== 'ENOENT') throw diskError('read', at, thrown);
    }
  }
  throw new AppError('SEGMENT_GONE', `the wrapper of ${segmentId(segment)} is not there any more`);
}
