import { join } from 'node:path';
import type { Disk } from '@gapless/shared/fs';
import type { Random } from '@gapless/shared/ids';
import { hex } from '@gapless/shared/ids';
import type { Clock } from '@gapless/shared/time';
import type { DiskSpeed } from './disk-policy.js';

/** Enough to leave the disk's own cache behind, and little enough to spare the flash. */
const TRIAL_BYTES = 16 * 2 ** 20;
const BLOCK_BYTES = 2 ** 20;

const SYNCS = 15;
const SMALL_BYTES = 4096;

/** Bytes that a trial writes at most. */
export const DISK_TRIAL_BYTES = TRIAL_BYTES + SYNCS * SMALL_BYTES;

/**
 * Measures a disk by writing a file in `directory`, as the recorder does, and removes it again.
 *
 * @throws STORAGE_WRITE_FAILED
 */
export async function tryDisk(
  { disk, clock, random }: { readonly disk: Disk; readonly clock: Clock; readonly random: Random },
  directory: string,
): Promise<DiskSpeed> {
  const path = join(directory, `.doctor-${hex(random.bytes(8))}`);
  const file = await disk.create(path, 0o600);
  try {
    // Random bytes, since some disks and file systems compress.
    const block = random.bytes(BLOCK_BYTES);
    const startedMs = clock.monotonicMs();
    for (let offset = 0; offset < TRIAL_BYTES; offset += BLOCK_BYTES) await file.write(block, offset);
    await file.sync();
    const tookMs = Math.max(0.001, clock.monotonicMs() - startedMs);
    const syncs: number[] = [];
    for (let count = 0; count < SYNCS; count++) {
      const beginMs = clock.monotonicMs();
      await file.write(block.subarray(0, SMALL_BYTES), TRIAL_BYTES + count * SMALL_BYTES);
      await file.sync();
      syncs.push(clock.monotonicMs() - beginMs);
    }
    syncs.sort((a, b) => a - b);
    return {
      writeBytesPerSec: (TRIAL_BYTES * 1000) / tookMs,
      syncMs: syncs[SYNCS >> 1]!,
      worstSyncMs: syncs[SYNCS - 1]!,
    };
  } finally {
    await file.close();
    await disk.remove(path);
  }
}
