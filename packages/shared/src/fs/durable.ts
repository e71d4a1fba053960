import { dirname } from 'node:path';
import type { Disk, DiskFile } from './disk.js';

/**
 * Publishes a finished file under its final name so that after a power cut there is the whole file or none:
 * the caller has synced the content; here follow rename and directory sync.
 */
export async function publishFile(disk: Disk, from: string, to: string): Promise<void> {
  await disk.rename(from, to);
  await disk.syncDirectory(dirname(to));
}

/** What a durable write does next, in this order. */
export type DurableStep = 'write' | 'sync-file' | 'publish' | 'sync-directory';

export interface DurableWrite {
  readonly path: string;
  /** Beside it, and a name that nobody else would choose: what an earlier attempt left there is removed. */
  readonly partial: string;
  /** File mode; secrets are 0o600. */
  readonly mode?: number;
  /** Called before each step; what it throws ends the write. */
  readonly before?: (step: DurableStep) => void | Promise<void>;
}

/**
 * Writes a file under a partial name, syncs it and gives it its own: at every moment there is the whole file, the former
 * one or none. Whatever stops it leaves nothing behind.
 */
export async function writeDurably(
  disk: Disk,
  { path, partial, mode, before }: DurableWrite,
  fill: (file: DiskFile) => Promise<void>,
): Promise<void> {
  await disk.remove(partial);
  try {
    await before?.('write');
    const file = await disk.create(partial, mode);
    try {
      await fill(file);
      await before?.('sync-file');
      await file.sync();
    } finally {
      await file.close();
    }
    await before?.('publish');
    await disk.rename(partial, path);
  } catch (thrown) {
    // What is left is removed by the next attempt at the latest; why this one failed is what matters.
    await disk.remove(partial).catch(() => undefined);
    throw thrown;
  }
  await before?.('sync-directory');
  await disk.syncDirectory(dirname(path));
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
  await writeDurably(disk, { path, partial: `${path}.new`, mode }, (file) => file.write(content, 0));
}
