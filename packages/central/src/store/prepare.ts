import { AppError, errnoOf } from '@gapless/shared/errors';
import { makeWritableDirectory } from '@gapless/shared/fs';
import type { DataLayout } from './layout.js';

/**
 * Makes the directories that central writes to.
 *
 * @throws STORAGE_UNWRITABLE
 */
export async function prepareDataDir(layout: DataLayout): Promise<void> {
  try {
    await makeWritableDirectory(layout.dataDir);
    await makeWritableDirectory(layout.quarantine(''));
  } catch (thrown) {
    throw new AppError(
      'STORAGE_UNWRITABLE',
      `cannot write to the data directory ${layout.dataDir}: ${errnoOf(thrown) ?? String(thrown)}`,
      {
        cause: thrown,
        hint: 'Name another with --data, or give the user that runs central the right to write there.',
      },
    );
  }
}
