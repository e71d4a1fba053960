import type { AppErrorOptions } from '@gapless/shared/errors';
import { AppError } from '@gapless/shared/errors';
import { quote } from '@gapless/shared/ids';
import type { SftpEndpoint } from './endpoint.js';

/** The connection failed or is over; the next one may do better. */
export function unreachable(what: string, cause?: unknown): AppError {
  return new AppError('SFTP_UNREACHABLE', what, cause === undefined ? {} : { cause });
}

/** What refusals mean, and what can be done about them: central's are other matters than those of anybody else's server. */
export interface Refusals {
  readonly hostKeyMismatch: (endpoint: SftpEndpoint, shown: string) => AppError;
  readonly loginRefused: (endpoint: SftpEndpoint, cause: unknown) => AppError;
  /** The server does not know a path. */
  readonly pathUnknown: (what: string, options: AppErrorOptions) => AppError;
}

export const centralRefusals: Refusals = {
  hostKeyMismatch: (endpoint, shown) =>
    new AppError(
      'SFTP_HOST_KEY_MISMATCH',
      `the SFTP server at ${endpoint.host}:${endpoint.port} showed the host key ${shown}, which its ticket does not name`,
      {
        hint:
          'Nothing was sent. Either something in between poses as central (a hotel or depot portal, an attack), or central ' +
          'got a new host key: compare it with the one that central shows, and claim the vehicle again if it is right.',
        details: { shown, expected: endpoint.hostKeys },
      },
    ),
  loginRefused: (endpoint, cause) =>
    new AppError(
      'SFTP_KEY_REFUSED',
      `the SFTP server at ${endpoint.host}:${endpoint.port} does not accept the key of ${quote(endpoint.user)}`,
      {
        hint: 'Central may have revoked this vehicle or learnt another key: claim the vehicle again.',
        cause,
      },
    ),
  pathUnknown: (what, options) => new AppError('UPLOAD_TICKET_UNKNOWN', what, options),
};

export const foreignRefusals: Refusals = {
  hostKeyMismatch: (endpoint, shown) =>
    new AppError(
      'SFTP_HOST_KEY_MISMATCH',
      `${endpoint.host}:${endpoint.port} showed the host key ${shown}, which is not one of those named for it`,
      {
        hint:
          'Nothing was sent, and nobody logged in. Ask whoever runs the server whether this key is its own. A server has one ' +
          'key of each kind; a whole key in place of a fingerprint says which kind to ask for.',
        details: { shown, expected: endpoint.hostKeys },
      },
    ),
  loginRefused: (endpoint, cause) =>
    new AppError(
      'SFTP_LOGIN_REFUSED',
      `${endpoint.host}:${endpoint.port} does not let ${quote(endpoint.user)} in with this key or password`,
      {
        hint: 'Check the user name, and whether the server knows this key or takes passwords at all.',
        cause,
      },
    ),
  pathUnknown: (what, options) => new AppError('UPLOAD_PATH_UNKNOWN', what, options),
};

/** Status codes of SFTP version 3 that have a meaning of their own here; all others are failures. */
const NO_SUCH_FILE = 2;
const PERMISSION_DENIED = 3;
const UNSUPPORTED = 8;

/** The server's refusal of one request, as ssh2 reports it: an error whose `code` is the status. */
export function refusal(refusals: Refusals, operation: string, thrown: Error): AppError {
  const status = 'code' in thrown ? thrown.code : undefined;
  const said = quote(thrown.message);
  const options: AppErrorOptions = { cause: thrown, details: { operation, status } };
  if (status === NO_SUCH_FILE)
    return refusals.pathUnknown(`the server does not know the path to ${operation}: ${said}`, options);
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
