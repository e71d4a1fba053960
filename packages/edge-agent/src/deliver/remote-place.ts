import { posix } from 'node:path';
import { AppError } from '@gapless/shared/errors';
import type { Remote } from '../upload/index.js';

/**
 * Makes the directory that a file is to lie in, with those above it.
 *
 * @throws UPLOAD_TARGET_EXISTS when a file is in the way, UPLOAD_REFUSED, UPLOAD_REMOTE_FAILED
 */
export async function makeDirectories({ files }: Pick<Remote, 'files'>, path: string): Promise<void> {
  const directory = posix.dirname(path);
  if (directory === '.' || directory === '/') return;
  const found = await files.look(directory, { follow: true });
  if (found && found.kind !== 'directory')
    throw new AppError('UPLOAD_TARGET_EXISTS', `${directory} is no directory on the server`);
  if (found) return;
  await makeDirectories({ files }, directory);
  try {
    await files.makeDirectory(directory);
  } catch (thrown) {
    // Another upload may have been faster.
    if ((await files.look(directory, { follow: true }))?.kind !== 'directory') throw thrown;
  }
}

/** Why a server could not store `bytes` more, if it can be seen: version 3 of SFTP only says that it failed. */
export async function whyNotStored(
  { files }: Pick<Remote, 'files'>,
  path: string,
  { bytes, failure }: { readonly bytes: number; readonly failure: AppError },
): Promise<AppError> {
  const directory = posix.dirname(path);
  const freeBytes = await files.freeBytes(directory).catch(() => undefined);
  if (freeBytes === undefined || freeBytes >= bytes) return failure;
  return new AppError(
    'UPLOAD_REMOTE_FULL',
    `${freeBytes} bytes are free in ${directory} on the server, and ${bytes} are still to come`,
    { cause: failure, hint: 'Make room there; the upload goes on by itself.' },
  );
}
