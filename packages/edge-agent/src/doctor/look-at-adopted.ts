import { access, readdir } from 'node:fs/promises';
import { constants } from 'node:fs';
import { errnoOf } from '@gapless/shared/errors';
import type { Diagnosis } from './finding.js';
import { failed, ok, warning } from './finding.js';

/** Whether the directory of another recorder can be read. */
export async function lookAtAdopted(directory: string): Promise<Diagnosis> {
  try {
    await access(directory, constants.R_OK | constants.X_OK);
    if ((await readdir(directory)).length > 0) return ok(`what is recorded in ${directory} is adopted`);
    return warning(
      `${directory} is empty`,
      'Look whether its disk is mounted, and whether the other program records there.',
    );
  } catch (thrown) {
    const errno = errnoOf(thrown) ?? 'no reason given';
    return failed(
      `${directory} cannot be read: ${errno}`,
      errno === 'EACCES'
        ? 'Give the user of the agent the right to read there, for example by its group.'
        : 'Look at "adopt.dir" in the configuration, and whether its disk is mounted.',
    );
  }
}
