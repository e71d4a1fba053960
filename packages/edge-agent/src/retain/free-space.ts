import { statfs } from 'node:fs/promises';

/** Bytes that the disk of the recordings still takes. */
export type FreeSpace = () => Promise<number>;

/** The free space of the file system on which `directory` lies, as its owner may use it. */
export function freeSpaceOf(directory: string): FreeSpace {
  return async () => {
    const { bavail, bsize } = await statfs(directory);
    return bavail * bsize;
  };
}
