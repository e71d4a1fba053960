import type { AppErrorOptions } from '@gapless/shared/errors';
import { AppError } from '@gapless/shared/errors';
import { quote } from '@gapless/shared/ids';
import type { SftpEndpoint } from './endpoint.js';

/** The connection failed or is over; the next one may do better. */
export function unreachable(what: string, cause?: unknown): AppError {
  return new AppError('SFTP_UNREACHABLE', what, cause === undefined ? {} : { cause });
}

export function hostKeyMismatch(endpoint: SftpEndpoint, shown: string): AppError {
  return new AppError(
    'SFTP_HOST_KEY_MISMATCH',
    `the SFTP server at ${endpoint.host}:${endpoint.port} showed the host key ${shown}, which its ticket does not name`,
    {
      hint:
        'Nothing was sent. Either something in between poses as central (a hotel or depot portal, an attack), or central ' +
        'got a new host key: compare it with the one that central shows, and claim the vehicle again if it is right.',
      details: { shown, expected: endpoint.hostKeys },
    },
  );
}

export function keyRefused(endpoint: SftpEndpoint, cause: unknown): AppError {
  return new AppError(
    'SFTP_KEY_REFUSED',
    `the SFTP server at ${endpoint.host}:${endpoint.port} does not accept the key of ${quote(endpoint.user)}`,
    { hint: 'Central may have revoked this vehicle or learnt another key: claim the vehicle again.', cause },
  );
}

/** Status codes of SFTP version 3 that have a meaning of their own here; all others are failures. */
const NO_SUCH_FILE = 2;
const PERMISSION_DENIED = 3;
const UNSUPPORTED = 8;

/** The server's refusal of one request, as ssh2 reports it: an error whose `code` is the status. */
export function refusal(operation: string, thrown: Error): AppError {
  const status = 'code' in thrown ? thrown.code : undefined;
  const said = quote(thrown.message);
  const options: AppErrorOptions = { cause: thrown, details: { operation, status } };
  if (status === NO_SUCH_FILE)
    return new AppError(
      'UPLOAD_TICKET_UNKNOWN',
      `the server does not know the path to ${operation}: ${said}`,
      options,
    );
  if (status === PERMISSION_DENIED || status === UNSUPPORTED)
    return new AppError(
      'UPLOAD_REFUSED',
      `the server does not allow to ${operation} the upload: ${said}`,
      options,
    );
  return new AppError(
    'UPLOAD_REMOTE_FAILED',
    `the server failed to ${operation} the upload: ${said}`,
    options,
  );
}
