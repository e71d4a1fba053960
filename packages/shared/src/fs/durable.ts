import { dirname } from 'node:path';
import type { Disk } from './disk.js';

/**
 * Publishes a finished file under its final name so that after a power cut there is the whole file or none:
 * the caller has synced the content; here follow rename and directory sync.
 */
export async function publishFile(disk: Disk, from: string, to: string): Promise<void> {
  await disk.rename(from, to);
  await disk.syncDirectory(dirname(to));
}

/**
 * Writes a small file so that after a power cut there is the old content or the new, never a mixture:
 * write beside it, sync, rename, sync the directory.
 *
 * @param mode file mode; secrets are 0o600
 */
export async function writeFileDurably(
  disk: Disk,
  path: string,
  content: Uint8Array,
  mode: number,
): Promise<void> {
  const temporary = `${path}.new`;
  await disk.remove(temporary);
  const file = await disk.create(temporary, mode);
  try {
    await file.write(content, 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await publishFile(disk, temporary, path);
}
