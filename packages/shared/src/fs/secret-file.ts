import { chmod, readFile, stat } from 'node:fs/promises';
import { AppError, errnoOf } from '../errors/index.js';
import { makeWritableDirectory } from './directory.js';
import type { Disk } from './disk.js';
import { writeFileDurably } from './durable.js';

/** Writes a secret so that only its owner can read it. */
export async function writeSecret(disk: Disk, path: string, content: string): Promise<void> {
  await writeFileDurably(disk, path, Buffer.from(content, 'utf8'), 0o600);
}

/** Reads a secret; `undefined` if there is none. Refuses one that others can read, since it must be taken as leaked. */
export async function readSecret(path: string): Promise<string | undefined> {
  try {
    const { mode } = await stat(path);
    if ((mode & 0o077) !== 0) {
      throw new AppError(
        'SECRET_EXPOSED',
        `${path} can be read by other users (mode ${(mode & 0o777).toString(8)})`,
        {
          hint: `Replace the secret if others may have seen it, then: chmod 600 ${path}`,
        },
      );
    }
    return await readFile(path, 'utf8');
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return undefined;
    throw thrown;
  }
}

/** Makes a directory that only its owner can enter. */
export async function makePrivateDirectory(path: string): Promise<void> {
  await makeWritableDirectory(path, 0o700);
  await chmod(path, 0o700);
}
