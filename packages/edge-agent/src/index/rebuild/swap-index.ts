import { existsSync } from 'node:fs';
import { copyFile, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Disk } from '@gapless/shared/fs';
import type { StepHook } from '@gapless/shared/lifecycle';

/** Where the index goes that a rebuilt one replaces. */
export function formerIndexPath(path: string): string {
  return `${path}.before-rebuild`;
}

/** Files that SQLite keeps beside a database; they belong to that one database alone. */
const COMPANIONS = ['-wal', '-shm'];

/**
 * Puts a rebuilt index, closed and complete in its one file, into the place of the former one, in the numbered order of
 * `docs/design/durability.md`: at every moment there is a whole index at `path`, if there was one.
 */
export async function swapIndex(
  { disk, step }: { readonly disk: Disk; readonly step: StepHook },
  rebuiltPath: string,
  path: string,
): Promise<void> {
  await syncFile(rebuiltPath);
  step('rebuild:1-keep');
  if (existsSync(path)) {
    const kept = formerIndexPath(path);
    await copyFile(path, kept);
    await syncFile(kept);
    // A log that is left over belongs to a database that could not be closed. Beside the new one it would be taken for its.
    for (const companion of COMPANIONS) {
      await rm(`${kept}${companion}`, { force: true });
      if (existsSync(`${path}${companion}`)) await rename(`${path}${companion}`, `${kept}${companion}`);
    }
    await disk.syncDirectory(dirname(path));
  }
  step('rebuild:2-replace');
  await disk.rename(rebuiltPath, path);
  await disk.syncDirectory(dirname(path));
}

async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
