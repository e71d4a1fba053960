import { AppError, errnoOf } from '@gapless/shared/errors';
import { makeWritableDirectory } from '@gapless/shared/fs';

/**
 * Makes a directory of the configuration if it is not there.
 *
 * @param key that names it in the configuration
 * @throws STORAGE_UNWRITABLE
 */
export async function requireWritable(directory: string, key: string): Promise<void> {
  try {
    await makeWritableDirectory(directory);
  } catch (thrown) {
    throw new AppError(
      'STORAGE_UNWRITABLE',
      `cannot write to ${key} ${directory}: ${errnoOf(thrown) ?? String(thrown)}`,
      {
        cause: thrown,
        hint: `Name another directory as ${key}, or give the user that runs the agent the right to write there.`,
      },
    );
  }
}
