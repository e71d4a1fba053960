import { isCancelled, toAppError } from '@gapless/shared/errors';
import type { Clock } from '@gapless/shared/time';
import type { Diagnosis } from './finding.js';
import { failed, ok, warning } from './finding.js';
import type { SshAddress } from './ssh-host-key.js';
import { hostKeyAt } from './ssh-host-key.js';

export interface SftpToLookAt extends SshAddress {
  /** Whether somebody named the address; otherwise it is a guess, since central names it only in each ticket. */
  readonly isNamed: boolean;
  /** Fingerprints that were pinned at enrolment; undefined for a vehicle that is not enrolled. */
  readonly pinned: readonly string[] | undefined;
}

/** Whether uploads would find the server that was pinned. */
export async function lookAtSftp(
  { host, port, isNamed, pinned }: SftpToLookAt,
  clock: Clock,
  signal: AbortSignal,
): Promise<Diagnosis> {
  let shown: string;
  try {
    shown = await hostKeyAt({ host, port }, clock, signal);
  } catch (thrown) {
    if (isCancelled(thrown)) throw thrown;
    const { message } = toAppError(thrown);
    return isNamed
      ? failed(message, 'Is the port right, and does the network let it through?')
      : warning(
          `${message} (central’s usual port; it names the real one with each upload)`,
          'If its SFTP server listens elsewhere, say where: gapless-edge doctor --sftp HOST:PORT',
        );
  }
  if (pinned === undefined)
    return warning(
      `${host}:${port} shows the host key ${shown}, which is not pinned yet`,
      'Enrol this vehicle.',
    );
  if (pinned.includes(shown)) return ok(`${host}:${port} shows the pinned host key`);
  return failed(
    `${host}:${port} shows the host key ${shown}, which is not pinned: nothing will be sent there`,
    'If central got a new host key, enrol this vehicle again. If not, something in between poses as central.',
  );
}
