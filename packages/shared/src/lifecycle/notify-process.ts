import { execFile } from 'node:child_process';

/**
 * Hands one message to systemd. Node has no datagram sockets of the Unix kind, so systemd's own tool sends it; that also
 * waits until systemd has read the message, without which it could not tell whose it was.
 *
 * @param states assignments of sd_notify(3): `READY=1`
 * @returns why it failed; undefined when it was taken
 */
export type Notify = (states: readonly string[]) => Promise<string | undefined>;

const TIMEOUT_MS = 10_000;

/** @param env with the `NOTIFY_SOCKET` that systemd gave this process */
export function systemdNotify(env: Readonly<Record<string, string | undefined>>): Notify {
  return (states) =>
    new Promise((resolve) => {
      execFile(
        'systemd-notify',
        [...states],
        { env: { ...env }, timeout: TIMEOUT_MS },
        (error, _, stderr) => {
          resolve(error === null ? undefined : stderr.trim() || error.message);
        },
      );
    });
}
