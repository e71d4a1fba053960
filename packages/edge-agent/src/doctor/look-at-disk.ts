import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf, toAppError } from '@gapless/shared/errors';
import type { Disk } from '@gapless/shared/fs';
import type { Random } from '@gapless/shared/ids';
import type { Clock } from '@gapless/shared/time';
import type { DiskLimits } from './disk-policy.js';
import { judgeSpace, judgeSpeed } from './disk-policy.js';
import { DISK_TRIAL_BYTES, tryDisk } from './disk-trial.js';
import type { Diagnosis } from './finding.js';
import { failed, warning } from './finding.js';

export interface DiskToLookAt {
  readonly storageDir: string;
  readonly limits: DiskLimits;
  /** What the index says of the recordings. */
  readonly heldBytes: number;
  readonly lensCount: number;
}

/** Whether the disk has the room that the configuration counts on, and keeps up. */
export async function lookAtDisk(
  { storageDir, limits, heldBytes, lensCount }: DiskToLookAt,
  port: { readonly disk: Disk; readonly clock: Clock; readonly random: Random },
): Promise<Diagnosis[]> {
  const directory = await nearestThere(storageDir);
  const { bavail, bsize, blocks } = await statfs(directory);
  const freeBytes = bavail * bsize;
  const space = judgeSpace({ totalBytes: blocks * bsize, freeBytes, heldBytes }, limits);
  if (freeBytes < 2 * DISK_TRIAL_BYTES)
    return [
      space,
      warning('the disk is too full to measure its speed', 'Free space on it, then look again.'),
    ];
  try {
    return [space, judgeSpeed(await tryDisk(port, directory), lensCount)];
  } catch (thrown) {
    const { message, hint } = toAppError(thrown);
    return [space, failed(message, hint ?? 'Look at the kernel log: the disk may be failing.')];
  }
}

/** The directory itself, or the one in which it will have to be made. */
async function nearestThere(directory: string): Promise<string> {
  try {
    await statfs(directory);
    return directory;
  } catch (thrown) {
    const parent = dirname(directory);
    if (errnoOf(thrown) === 'ENOENT' && parent !== directory) return nearestThere(parent);
    throw thrown;
  }
}
