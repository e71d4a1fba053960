import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { errnoOf } from '@gapless/shared/errors';
import { diskError } from '@gapless/shared/fs';
import type { EpochMs } from '@gapless/shared/time';
import type { SourceFile } from '../index/wrapper.js';

/** A directory below the adopted one, with the names in it that may be recordings. */
export interface SourceDirectory {
  /** Absolute. */
  readonly directory: string;
  /** Time of the last change in it, before it was read. */
  readonly modifiedMs: EpochMs;
  /** Sorted, which is the order of time with every recorder. */
  readonly names: readonly string[];
}

/** MPEG-TS is looked at so that it can be said that it is not read. */
const RECORDING = /\.(mp4|m4v|mov|ts|m2ts|mts)$/i;

/** Bound on the directories below an adopted one. */
const MAX_DIRECTORIES = 100_000;

/**
 * Walks through a directory and those below it, in order; holds the names of one at a time. Hidden ones, links and what cannot
 * be read are passed over: what is in no reply is not known to be gone.
 *
 * @throws STORAGE_WRITE_FAILED, the code of every failure of the disk, when the directory itself cannot be read
 */
export async function* walk(root: string): AsyncGenerator<SourceDirectory> {
  const waiting = [root];
  for (let count = 0; waiting.length > 0 && count < MAX_DIRECTORIES; count++) {
    const directory = waiting.pop()!;
    const found = await list(directory, directory === root);
    if (!found) continue;
    const names = found.entries.filter((entry) => !entry.name.startsWith('.'));
    const below = names.filter((entry) => entry.isDirectory()).map(({ name }) => join(directory, name));
    // The next is taken from the end.
    waiting.push(...below.sort().reverse());
    yield {
      directory,
      modifiedMs: found.modifiedMs,
      names: names
        .filter((entry) => entry.isFile() && RECORDING.test(entry.name))
        .map(({ name }) => name)
        .sort(),
    };
  }
}

/** A directory by itself. */
export interface Root {
  /** Nothing is in it at all. */
  readonly isBare: boolean;
  /** Of the file system that it lies on. */
  readonly device: number;
}

/** Throws STORAGE_WRITE_FAILED, the code of every failure of the disk, when it cannot be read. */
export async function lookAtRoot(root: string): Promise<Root> {
  try {
    const { dev: device } = await stat(root);
    return { device, isBare: (await readdir(root)).length === 0 };
  } catch (thrown) {
    throw diskError('read', root, thrown);
  }
}

/** A file as it is now; `undefined` when it has gone. */
export async function look(path: string): Promise<SourceFile | undefined> {
  try {
    const { size, mtimeMs } = await stat(path);
    return { path, sizeBytes: size, modifiedMs: Math.floor(mtimeMs) };
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return undefined;
    throw diskError('stat', path, thrown);
  }
}

/** The way to a file below the adopted directory, with slashes. */
export function wayTo(root: string, directory: string, name: string): string {
  return relative(root, join(directory, name)).replaceAll('\\', '/');
}

async function list(
  directory: string,
  isRoot: boolean,
): Promise<{ readonly entries: readonly Dirent[]; readonly modifiedMs: EpochMs } | undefined> {
  try {
    const { mtimeMs } = await stat(directory);
    return { entries: await readdir(directory, { withFileTypes: true }), modifiedMs: mtimeMs };
  } catch (thrown) {
    if (isRoot) throw diskError('read', directory, thrown);
    return undefined;
  }
}
