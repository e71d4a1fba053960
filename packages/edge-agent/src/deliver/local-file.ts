import type { BigIntStats } from 'node:fs';
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open, readlink, realpath } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { AppError, errnoOf } from '@gapless/shared/errors';
import { diskError, isInside } from '@gapless/shared/fs';

/** A file that may be uploaded. It stays open, so that what was allowed and what is read are the same file. */
export interface LocalFile extends AsyncDisposable {
  /** Reads this very file, wherever its name leads by now. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  /** Changes when the content may have changed. */
  readonly fingerprint: string;
  /** Whether nothing was written to it since it was opened. */
  isUnchanged(): Promise<boolean>;
}

/**
 * Opens a file that lies below one of the `roots`, links resolved on both sides.
 *
 * @throws ARGUMENT_INVALID, INPUT_MISSING, UPLOAD_SOURCE_REFUSED, STORAGE_*
 */
export async function openLocalFile(path: string, roots: readonly string[]): Promise<LocalFile> {
  if (!isAbsolute(path)) throw new AppError('ARGUMENT_INVALID', `not an absolute path: ${path}`);
  // Not blocking: a named pipe would be waited for.
  const handle = await opened(path, () => open(path, constants.O_RDONLY | constants.O_NONBLOCK));
  try {
    // The system knows the path of what was really opened, whatever was a link a moment ago.
    const real = await readlink(`/proc/self/fd/${handle.fd}`);
    await requireInside(path, real, roots);
    const stats = await handle.stat({ bigint: true });
    if (!stats.isFile()) throw notAFile(path, stats);
    return localFile(handle, stats);
  } catch (thrown) {
    await handle.close();
    throw thrown;
  }
}

function localFile(handle: FileHandle, stats: BigIntStats): LocalFile {
  const fingerprint = fingerprintOf(stats);
  return {
    path: `/proc/self/fd/${handle.fd}`,
    sizeBytes: Number(stats.size),
    modifiedMs: Number(stats.mtimeMs),
    fingerprint,
    isUnchanged: async () => fingerprintOf(await handle.stat({ bigint: true })) === fingerprint,
    [Symbol.asyncDispose]: () => handle.close(),
  };
}

/** Not the time of the last change of its attributes: giving it another name or link changes that. */
function fingerprintOf({ dev, ino, size, mtimeNs }: BigIntStats): string {
  return `${dev}:${ino}:${size}:${mtimeNs}`;
}

async function requireInside(path: string, real: string, roots: readonly string[]): Promise<void> {
  for (const root of roots) if (isInside(await realpath(root).catch(() => root), real)) return;
  throw new AppError('UPLOAD_SOURCE_REFUSED', `${path} lies outside of what may be uploaded`, {
    hint: `Uploads are taken from ${roots.join(', ')}. Other directories are named in "upload.roots" of the configuration.`,
  });
}

async function opened(path: string, run: () => Promise<FileHandle>): Promise<FileHandle> {
  try {
    return await run();
  } catch (thrown) {
    const errno = errnoOf(thrown);
    if (errno === 'ENOENT' || errno === 'ENOTDIR')
      throw new AppError('INPUT_MISSING', `there is no file ${path}`, { cause: thrown });
    if (errno === 'EACCES' || errno === 'EPERM')
      throw new AppError('UPLOAD_SOURCE_REFUSED', `the agent may not read ${path}`, {
        cause: thrown,
        hint: 'Let the user that the agent runs as read it.',
      });
    throw diskError('open', path, thrown);
  }
}

function notAFile(path: string, stats: BigIntStats): AppError {
  const hint = stats.isDirectory() ? { hint: `Name the files in it: ${path}/*` } : {};
  return new AppError('ARGUMENT_INVALID', `${path} is no file`, hint);
}
