import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { AppError } from '@gapless/shared/errors';
import type { DiskFile } from '@gapless/shared/fs';
import { diskError } from '@gapless/shared/fs';

const CHUNK_BYTES = 1024 * 1024;

/**
 * Opens a stored file for reading alone, so that a check may run as somebody who must not write, and hashes it.
 *
 * @param use gets the file and its SHA-256 in hex; the file is closed afterwards
 * @throws STORAGE_WRITE_FAILED when it cannot be read, the signal's reason, and what `use` throws
 */
export async function withStoredFile<T>(
  path: string,
  signal: AbortSignal,
  use: (file: DiskFile, sha256: string) => Promise<T>,
): Promise<T> {
  const handle = await open(path, 'r').catch((thrown: unknown) => {
    throw diskError('open', path, thrown);
  });
  const refuse = async (): Promise<never> => {
    throw new AppError('INTERNAL', 'a stored file is never written');
  };
  const file: DiskFile = {
    read: async (into, offset) => {
      try {
        return (await handle.read(into, 0, into.length, offset)).bytesRead;
      } catch (thrown) {
        throw diskError('read', path, thrown);
      }
    },
    sizeBytes: async () => (await handle.stat()).size,
    close: () => handle.close(),
    write: refuse,
    sync: refuse,
    truncate: refuse,
  };
  try {
    return await use(file, await sha256Of(file, signal));
  } finally {
    await file.close();
  }
}

async function sha256Of(file: DiskFile, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  const chunk = new Uint8Array(CHUNK_BYTES);
  for (let offset = 0; ;) {
    signal.throwIfAborted();
    const read = await file.read(chunk, offset);
    if (read === 0) return hash.digest('hex');
    hash.update(chunk.subarray(0, read));
    offset += read;
  }
}
