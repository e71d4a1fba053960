import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { toAppError } from '@gapless/shared/errors';
import type { Clock, DurationMs } from '@gapless/shared/time';
import type { SftpEndpoint } from './endpoint.js';
import { unreachable } from './errors.js';

/** Opens a TCP connection; handed in, so that a test can put anything in between. */
export type Dial = (endpoint: SftpEndpoint, signal: AbortSignal) => Promise<Socket>;

/**
 * Dials over the operating system's sockets.
 *
 * @throws SFTP_UNREACHABLE, also when it took longer than `timeoutMs`, or the signal's reason
 */
export function tcpDial(clock: Clock, timeoutMs: DurationMs): Dial {
  return (endpoint, signal) =>
    new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const { host, port } = endpoint;
      const socket = connect({ host, port, noDelay: true });
      const settle = (): void => {
        timer[Symbol.dispose]();
        signal.removeEventListener('abort', onAbort);
        socket.removeListener('error', onError);
      };
      const fail = (error: Error): void => {
        settle();
        socket.on('error', () => undefined);
        socket.destroy();
        reject(error);
      };
      const onAbort = (): void => fail(toAppError(signal.reason));
      const onError = (cause: Error): void =>
        fail(unreachable(`cannot connect to ${host}:${port}: ${cause.message}`, cause));
      const timer = clock.schedule(timeoutMs, () =>
        fail(unreachable(`${host}:${port} did not answer within ${timeoutMs} ms`)),
      );
      signal.addEventListener('abort', onAbort, { once: true });
      socket.once('error', onError);
      socket.once('connect', () => {
        settle();
        resolve(socket);
      });
    });
}
