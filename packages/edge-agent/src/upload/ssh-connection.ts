import type { Socket } from 'node:net';
import type { AppError } from '@gapless/shared/errors';
import { toAppError } from '@gapless/shared/errors';
import { fingerprintOf } from '@gapless/shared/ssh';
import type { Clock, DurationMs } from '@gapless/shared/time';
import type { SFTPWrapper } from 'ssh2';
import ssh2 from 'ssh2';
import type { SftpEndpoint } from './endpoint.js';
import type { Refusals } from './errors.js';
import { unreachable } from './errors.js';
import type { Remote } from './remote.js';
import type { LoginMethods, Manners } from './ssh-manners.js';
import { SshRemote } from './ssh-remote.js';
import type { Dial } from './tcp-dial.js';

export interface SshConnectionOptions {
  readonly login: LoginMethods;
  readonly manners: Manners;
  readonly dial: Dial;
  readonly clock: Clock;
  /** From the open TCP connection to the open SFTP channel. */
  readonly handshakeMs: DurationMs;
}

/**
 * Dials, and opens an SFTP session. The host key is checked before anything is authenticated.
 *
 * @throws SFTP_UNREACHABLE, SFTP_HOST_KEY_MISMATCH, SFTP_KEY_REFUSED or SFTP_LOGIN_REFUSED, or the signal's reason
 */
export async function openSshConnection(
  endpoint: SftpEndpoint,
  options: SshConnectionOptions,
  signal: AbortSignal,
): Promise<Remote> {
  const socket = await options.dial(endpoint, signal);
  try {
    return await handshake(socket, endpoint, options, signal);
  } catch (thrown) {
    socket.destroy();
    throw thrown;
  }
}

function handshake(
  socket: Socket,
  endpoint: SftpEndpoint,
  { login, manners, clock, handshakeMs }: SshConnectionOptions,
  signal: AbortSignal,
): Promise<Remote> {
  return new Promise((resolve, reject) => {
    const client = new ssh2.Client();
    const { refusals, algorithms } = manners;
    let mismatch: AppError | undefined;
    let settled = false;
    const settle = (): void => {
      settled = true;
      timer[Symbol.dispose]();
      signal.removeEventListener('abort', onAbort);
    };
    const fail = (error: AppError): void => {
      if (settled) return;
      settle();
      reject(error);
    };
    const onAbort = (): void => fail(toAppError(signal.reason));
    const timer = clock.schedule(handshakeMs, () =>
      fail(unreachable(`${endpoint.host}:${endpoint.port} did not open SFTP within ${handshakeMs} ms`)),
    );
    signal.addEventListener('abort', onAbort, { once: true });
    // These listeners stay for the life of the connection: an unheard 'error' would end the process.
    client.on('error', (error) => fail(mismatch ?? translate(error, endpoint, refusals)));
    client.on('close', () =>
      fail(mismatch ?? unreachable('the connection was closed while SFTP was being opened')),
    );
    client.on('ready', () => {
      client.sftp((error: Error | undefined, sftp: SFTPWrapper) => {
        if (error) {
          fail(unreachable(`the server does not open SFTP: ${error.message}`, error));
        } else if (!settled) {
          settle();
          resolve(new SshRemote({ client, sftp, socket, clock, refusals }));
        }
      });
    });
    client.connect({
      sock: socket,
      username: endpoint.user,
      authHandler: login(endpoint.user),
      hostVerifier: (key: Buffer) => {
        const shown = fingerprintOf(key);
        if (endpoint.hostKeys.includes(shown)) return true;
        mismatch = refusals.hostKeyMismatch(endpoint, shown);
        return false;
      },
      algorithms,
      // Time limits and signs of life are ours, on the clock that was handed in.
      readyTimeout: 0,
      keepaliveInterval: 0,
    });
  });
}

function translate(
  error: Error & { level?: string },
  endpoint: SftpEndpoint,
  { loginRefused }: Refusals,
): AppError {
  if (error.level === 'client-authentication') return loginRefused(endpoint, error);
  return unreachable(`the connection to ${endpoint.host}:${endpoint.port} failed: ${error.message}`, error);
}
