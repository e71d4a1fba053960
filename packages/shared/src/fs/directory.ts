import { constants } from 'node:fs';
import { access, mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { errnoOf } from '../errors/index.js';

/**
 * Makes a directory with its parents, and requires that this process may write in it.
 *
 * Node's own recursive `mkdir` never returns where a file system answers ENOENT below a directory that exists, as
 * `/proc` does, so the parents are made one by one.
 *
 * @throws the system's error
 */
export async function makeWritableDirectory(path: string, mode = 0o750): Promise<void> {
  await makeWithParents(resolve(path), mode);
  await access(path, constants.W_OK | constants.X_OK);
}

async function makeWithParents(path: string, mode: number): Promise<void> {
  const parent = dirname(path);
  if (parent !== path && !(await exists(path))) {
    await makeWithParents(parent, mode);
    try {
      await mkdir(path, { mode });
    } catch (thrown) {
      if (errnoOf(thrown) !== 'EEXIST') throw thrown;
    }
  }
  if (!(await stat(path)).isDirectory())
    throw Object.assign(new Error(`not a directory: ${path}`), { code: 'ENOTDIR' });
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return false;
    throw thrown;
  }
}
