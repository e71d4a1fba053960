import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { AppError } from '@gapless/shared/errors';
import { fingerprintOf } from '@gapless/shared/ssh';
import type { Clock } from '@gapless/shared/time';
import { SECOND_MS } from '@gapless/shared/time';
import ssh2 from 'ssh2';

export interface SshAddress {
  readonly host: string;
  readonly port: number;
}

const TIMEOUT_MS = 10 * SECOND_MS;

/**
 * The fingerprint of the host key that an SSH server shows. The key exchange is broken off there: nothing is
 * authenticated, no name is told.
 *
 * @returns `SHA256:…`
 * @throws SFTP_UNREACHABLE, or the signal's reason
 */
export function hostKeyAt(address: SshAddress, clock: Clock, signal: AbortSignal): Promise<string> {
  const { host, port } = address;
  return new Promise((resolve, reject) => {
    const socket: Socket = connect({ host, port, noDelay: true });
    const client = new ssh2.Client();
    let shown: string | undefined;
    const end = (cause: unknown, why: string): void => {
      timer[Symbol.dispose]();
      signal.removeEventListener('abort', onAbort);
      socket.destroy();
      if (signal.aborted) reject(signal.reason as Error);
      else if (shown !== undefined) resolve(shown);
      else reject(new AppError('SFTP_UNREACHABLE', `${host}:${port} ${why}`, { cause }));
    };
    const onAbort = (): void => end(undefined, 'was not waited for');
    const timer = clock.schedule(TIMEOUT_MS, () =>
      end(undefined, `did not answer within ${TIMEOUT_MS / SECOND_MS} s`),
    );
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once('error', (error) => end(error, `cannot be reached: ${error.message}`));
    client.on('error', (error) => end(error, `does not speak SSH as Gapless does: ${error.message}`));
    client.on('close', () => end(undefined, 'closed the connection'));
    client.connect({
      sock: socket,
      // Never sent: the host key comes before any name.
      username: 'nobody',
      authHandler: [],
      hostVerifier: (key: Buffer) => {
        shown = fingerprintOf(key);
        return false;
      },
      algorithms: { serverHostKey: ['ssh-ed25519'] },
      readyTimeout: 0,
    });
  });
}
