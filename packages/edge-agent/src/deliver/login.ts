import { isAbsolute } from 'node:path';
import { AppError, errnoOf } from '@gapless/shared/errors';
import { readSecret } from '@gapless/shared/fs';
import type { Login } from '../upload/index.js';

/** The file that says how to log in. What it holds is read anew for each attempt and kept nowhere. */
export type LoginFile = { readonly identityFile: string } | { readonly passwordFile: string };

/**
 * Reads a private key or a password from a file that its owner alone may read.
 *
 * @throws SECRET_EXPOSED, INPUT_MISSING, KEY_UNREADABLE when the agent may not read it, ARGUMENT_INVALID
 */
export async function readLogin(file: LoginFile): Promise<Login> {
  if ('identityFile' in file) return { privateKey: await contentOf(file.identityFile) };
  // Editors end a file with a newline; it is not part of the password.
  const password = (await contentOf(file.passwordFile)).replace(/\r?\n$/, '');
  if (password === '') throw new AppError('ARGUMENT_INVALID', `${file.passwordFile} is empty`);
  return { password };
}

async function contentOf(path: string): Promise<string> {
  if (!isAbsolute(path)) throw new AppError('ARGUMENT_INVALID', `not an absolute path: ${path}`);
  let content: string | undefined;
  try {
    content = await readSecret(path);
  } catch (thrown) {
    if (thrown instanceof AppError) throw thrown;
    throw new AppError('KEY_UNREADABLE', `the agent cannot read ${path}: ${errnoOf(thrown) ?? 'unknown'}`, {
      cause: thrown,
      hint: 'The file must belong to the user that the agent runs as, with mode 0600.',
    });
  }
  if (content !== undefined) return content;
  throw new AppError('INPUT_MISSING', `there is no file ${path}`);
}
