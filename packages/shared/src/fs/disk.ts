import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AppError, errnoOf } from '../errors/index.js';

/** An open file that is written at explicit offsets. After a failed `sync` its content is not to be trusted. */
export interface DiskFile {
  /** Writes all of `bytes` at `offset`. */
  write(bytes: Uint8Array, offset: number): Promise<void>;
  /** Reads up to `into.length` bytes at `offset`; returns how many there were. */
  read(into: Uint8Array, offset: number): Promise<number>;
  /** Makes what was written survive a power cut (fdatasync). */
  sync(): Promise<void>;
  truncate(length: number): Promise<void>;
  sizeBytes(): Promise<number>;
  close(): Promise<void>;
}

/**
 * The file operations that durability rests on, handed in so that tests can make any one of them fail or be the last.
 * Everything that is written and later believed goes through here.
 */
export interface Disk {
  /** Creates `path`, and its directories, for writing; fails if it exists. */
  create(path: string, mode?: number): Promise<DiskFile>;
  /** Opens an existing file for reading and writing. */
  open(path: string): Promise<DiskFile>;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file; one that is not there is fine. */
  remove(path: string): Promise<void>;
  /** Makes the creations, renames and removals in `directory` survive a power cut. */
  syncDirectory(directory: string): Promise<void>;
  /** Size in bytes, `undefined` if there is no such file. */
  sizeBytes(path: string): Promise<number | undefined>;
}

export const nodeDisk: Disk = {
  async create(path, mode = 0o640) {
    await translate('create', path, () => mkdir(dirname(path), { recursive: true }));
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL;
    return nodeFile(path, await translate('create', path, () => open(path, flags, mode)));
  },

  async open(path) {
    return nodeFile(path, await translate('open', path, () => open(path, constants.O_RDWR)));
  },

  async rename(from, to) {
    await translate('rename', from, async () => {
      await mkdir(dirname(to), { recursive: true });
      await rename(from, to);
    });
  },

  async remove(path) {
    await translate('remove', path, () => rm(path, { force: true }));
  },

  async syncDirectory(directory) {
    await translate('sync', directory, async () => {
      const handle = await open(directory, constants.O_RDONLY);
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    });
  },

  async sizeBytes(path) {
    try {
      return (await stat(path)).size;
    } catch (thrown) {
      if (errnoOf(thrown) === 'ENOENT' || errnoOf(thrown) === 'ENOTDIR') return undefined;
      throw diskError('stat', path, thrown);
    }
  },
};

function nodeFile(path: string, handle: FileHandle): DiskFile {
  return {
    async write(bytes, offset) {
      await translate('write', path, async () => {
        for (let done = 0; done < bytes.length;) {
          const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, offset + done);
          done += bytesWritten;
        }
      });
    },
    read: (into, offset) =>
      translate('read', path, async () => (await handle.read(into, 0, into.length, offset)).bytesRead),
    sync: () => translate('sync', path, () => handle.datasync()),
    truncate: (length) => translate('truncate', path, () => handle.truncate(length)),
    sizeBytes: () => translate('stat', path, async () => (await handle.stat()).size),
    close: () => translate('close', path, () => handle.close()),
  };
}

async function translate<T>(operation: string, path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (thrown) {
    throw diskError(operation, path, thrown);
  }
}

const HINTS: Record<string, string> = {
  ENOSPC: 'The disk is full: free space or lower the retention.',
  EDQUOT: 'The disk quota is used up: free space or raise the quota.',
  EROFS:
    'The file system is read-only; after an error the kernel remounts it so. Check the kernel log and the disk.',
  EIO: 'The disk failed to read or write. Check the kernel log; the card or disk may be dying.',
  EACCES: 'The program may not write there: check the owner and the mode of the directory.',
  EPERM: 'The program may not write there: check the owner and the mode of the directory.',
};

/** A failed file operation as an `AppError` whose details carry the errno. */
export function diskError(operation: string, path: string, thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  const errno = errnoOf(thrown);
  const hint = errno === undefined ? undefined : HINTS[errno];
  return new AppError('STORAGE_WRITE_FAILED', `cannot ${operation} ${path}: ${errno ?? String(thrown)}`, {
    cause: thrown,
    details: { operation, path, errno },
    ...(hint === undefined ? {} : { hint }),
  });
}
