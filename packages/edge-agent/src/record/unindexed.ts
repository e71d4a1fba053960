import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '@gapless/shared/errors';
import type { Disk } from '@gapless/shared/fs';
import type { LensName } from '@gapless/shared/ids';
import { isName, parseLensName } from '@gapless/shared/ids';
import type { StepHook } from '@gapless/shared/lifecycle';
import type { IndexReader } from '../index/index-reader.js';
import { isDay, parseSegmentFileName, recordingDirectory } from '../index/paths.js';

export interface UnindexedPort {
  readonly disk: Disk;
  readonly reader: IndexReader;
  /** Absolute path of the recordings. */
  readonly storageDir: string;
  readonly step: StepHook;
}

/**
 * Finds the segments that an index in memory had and its last snapshot has not, and moves their files to where the recovery
 * looks for what has no row yet. Killed on the way, the next start does the rest.
 *
 * @returns how many there were
 */
export async function bringBackUnindexed(port: UnindexedPort): Promise<number> {
  let found = 0;
  for (const name of await namesIn(port.storageDir))
    if (isName(name)) found += await bringBackOf(port, parseLensName(name));
  return found;
}

async function bringBackOf(
  { disk, reader, storageDir, step }: UnindexedPort,
  lens: LensName,
): Promise<number> {
  let found = 0;
  for (const day of (await namesIn(join(storageDir, lens))).filter(isDay)) {
    for (const name of await namesIn(join(storageDir, lens, day))) {
      const file = parseSegmentFileName(name);
      if (!file || reader.segments.ofFile(lens, file) || reader.tombstones.ofFile(lens, file)) continue;
      step('complete:1-bring-back');
      await disk.rename(join(storageDir, lens, day, name), join(storageDir, recordingDirectory(lens), name));
      found++;
    }
  }
  return found;
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).sort();
  } catch (thrown) {
    const errno = errnoOf(thrown);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return [];
    throw thrown;
  }
}
