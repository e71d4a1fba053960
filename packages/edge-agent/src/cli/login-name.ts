import { userInfo } from 'node:os';
import { AppError } from '@gapless/shared/errors';

/** Who gave the command: the user who logged in, not the one that `sudo` made of them. */
export function loginName(env: Readonly<Record<string, string | undefined>>): string {
  const { SUDO_USER: before } = env;
  if (before !== undefined && before !== '') return before;
  try {
    return userInfo().username;
  } catch (thrown) {
    throw new AppError('ARGUMENT_INVALID', 'the user who gives the command has no name', {
      cause: thrown,
      hint: 'Say who protects it: --holder NAME.',
    });
  }
}
