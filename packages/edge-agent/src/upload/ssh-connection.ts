import type { Socket } from 'node:net';
import { AppError, toAppError } from '@gapless/shared/errors';
import { fingerprintOf, isPublicKey } from '@gapless/shared/ssh';
import type { Clock, DurationMs } from '@gapless/shared/time';
import type { ParsedKey, PublicKeyAuthMethod, SFTPWrapper } from 'ssh2';
import ssh2 from 'ssh2';
import type { SftpEndpoint } from './endpoint.js';
import { hostKeyMismatch, keyRefused, unreachable } from './errors.js';
import type { Remote } from './remote.js';
import { SshRemote } from './ssh-remote.js';
import type { Dial } from './tcp-dial.js';

export interface SshConnectionOptions {
  /** The vehicle's key. */
  readonly privateKey: PrivateKey;
  readonly dial: Dial;
  readonly clock: Clock;
  /** From the open TCP connection to the open SFTP channel. */
  readonly handshakeMs: DurationMs;
}

/** A key that ssh2 can sign with. */
export type PrivateKey = ParsedKey;

/**
 * Reads an unencrypted Ed25519 private key in OpenSSH's notation.
 *
 * @throws SFTP_KEY_INVALID
 */
export function parsePrivateKey(pem: string): PrivateKey {
  const key = ssh2.utils.parseKey(pem);
  if (key instanceof Error || !key.isPrivateKey() || !isPublicKey(key.getPublicSSH()))
    throw new AppError('SFTP_KEY_INVALID', 'the private key of this vehicle cannot be used', {
      hint: 'It must be an unencrypted Ed25519 key in the notation of OpenSSH.',
    });
  return key;
}

/**
 * Dials, and opens an SFTP session. The host key is checked before anything is authenticated.
 *
 * @throws SFTP_UNREACHABLE, SFTP_HOST_KEY_MISMATCH, SFTP_KEY_REFUSED, or the signal's reason
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
  { privateKey, clock, handshakeMs }: SshConnectionOptions,
  signal: AbortSignal,
): Promise<Remote> {
  return new Promise((resolve, reject) => {
    const client = new ssh2.Client();
    const login: PublicKeyAuthMethod = { type: 'publickey', username: endpoint.user, key: privateKey };
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
    client.on('error', (error) => fail(mismatch ?? translate(error, endpoint)));
    client.on('close', () =>
      fail(mismatch ?? unreachable('the connection was closed while SFTP was being opened')),
    );
    client.on('ready', () => {
      client.sftp((error: Error | undefined, sftp: SFTPWrapper) => {
        if (error) {
          fail(unreachable(`the server does not open SFTP: ${error.message}`, error));
        } else if (!settled) {
          settle();
          resolve(new SshRemote({ client, sftp, socket, clock }));
        }
      });
    });
    client.connect({
      sock: socket,
      username: endpoint.user,
      authHandler: [login],
      hostVerifier: (key: Buffer) => {
        const shown = fingerprintOf(key);
        if (endpoint.hostKeys.includes(shown)) return true;
        mismatch = hostKeyMismatch(endpoint, shown);
        return false;
      },
      algorithms: {
        kex: ['curve25519-sha256', 'curve25519-sha256@libssh.org', 'ecdh-sha2-nistp256'],
        serverHostKey: ['ssh-ed25519'],
        cipher: ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com'],
        compress: ['none'],
      },
      // Time limits and signs of life are ours, on the clock that was handed in.
      readyTimeout: 0,
      keepaliveInterval: 0,
    });
  });
}

function translate(error: Error & { level?: string }, endpoint: SftpEndpoint): AppError {
  if (error.level === 'client-authentication') return keyRefused(endpoint, error);
  return unreachable(`the connection to ${endpoint.host}:${endpoint.port} failed: ${error.message}`, error);
}
