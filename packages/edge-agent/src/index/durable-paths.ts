import { dirname } from 'node:path';
import type { Disk } from '@gapless/shared/fs';
import { isInside } from '@gapless/shared/fs';

/**
 * A disk whose `syncDirectory` makes the way to a directory as durable as what lies in it: the first time that one below
 * `root` is synced, so are those above it. Day directories come into being while the agent runs, and a name in a
 * directory whose own name is lost leads nowhere.
 */
export function withDurablePaths(disk: Disk, root: string): Disk {
  const durable = new Set<string>();
  const syncDirectory = async (directory: string): Promise<void> => {
    await disk.syncDirectory(directory);
    if (durable.has(directory)) return;
    if (isInside(root, directory)) await syncDirectory(dirname(directory));
    durable.add(directory);
  };
  return {
    create: (path, mode) => disk.create(path, mode),
    open: (path) => disk.open(path),
    rename: (from, to) => disk.rename(from, to),
    remove: (path) => disk.remove(path),
    sizeBytes: (path) => disk.sizeBytes(path),
    syncDirectory,
  };
}
