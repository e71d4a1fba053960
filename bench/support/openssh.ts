import type { ChildProcess } from 'node:child_process';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from '@gapless/harness/camera';
import { owned } from '@gapless/harness/children';

const SSHD = '/usr/sbin/sshd';
/** The same for both sides and for us: what is compared is not the cipher. */
const CIPHER = 'aes128-gcm@openssh.com';

/** What OpenSSH's programs need: keys in a directory. */
export interface Keys {
  readonly dir: string;
  readonly hostKey: string;
  readonly clientKey: string;
  /** Of the host key, in OpenSSH's notation. */
  readonly fingerprint: string;
}

/** Why OpenSSH cannot be compared with here; `undefined` if it can. */
export function opensshObstacle(): string | undefined {
  const missing = ['sftp', SSHD].find((program) => spawnSync(program, ['-V'], { stdio: 'ignore' }).error);
  return missing === undefined ? undefined : `${missing} of OpenSSH is not installed`;
}

/** Makes the keys, unless they are there already. */
export function makeKeys(dir: string): Keys {
  const [hostKey, clientKey] = ['host-key', 'client-key'].map((name) => join(dir, name)) as [string, string];
  for (const key of [hostKey, clientKey])
    if (!existsSync(key)) execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
  const shown = execFileSync('ssh-keygen', ['-lf', `${hostKey}.pub`], { encoding: 'utf8' });
  return { dir, hostKey, clientKey, fingerprint: shown.split(' ')[1] ?? '' };
}

/** A real `sshd`, for as long as it is not disposed. */
export class Sshd implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly port: number;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  static async start(keys: Keys, host = '127.0.0.1'): Promise<Sshd> {
    const port = await freePort();
    const config = join(keys.dir, 'sshd_config');
    const lines = [
      `ListenAddress ${host}`,
      `Port ${port}`,
      `HostKey ${keys.hostKey}`,
      `AuthorizedKeysFile ${keys.clientKey}.pub`,
      'StrictModes no',
      'UsePAM no',
      'PidFile none',
      // A session whose link is gone before it has heard the goodbye must not outlive the server for long.
      'ClientAliveInterval 5',
      'Subsystem sftp internal-sftp',
    ];
    await writeFile(config, `${lines.join('\n')}\n`);
    const child = owned(spawn(SSHD, ['-D', '-e', '-f', config], { stdio: ['ignore', 'ignore', 'pipe'] }));
    for await (const line of createInterface({ input: child.stderr })) if (line.includes('listening')) break;
    child.stderr.resume();
    return new Sshd(child, port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill();
    await gone;
    // Sessions hold its other end.
    this.#child.stderr?.destroy();
  }
}

export interface Put {
  readonly keys: Keys;
  readonly host: string;
  readonly port: number;
  /** Lines of an sftp batch. */
  readonly batch: readonly string[];
  readonly prefix?: readonly string[];
}

/** Starts OpenSSH's `sftp` with a batch; `prefix` goes in front of the command. */
export async function startSftp({ keys, host, port, batch, prefix = [] }: Put): Promise<ChildProcess> {
  const file = join(keys.dir, 'batch');
  await writeFile(file, `${batch.join('\n')}\n`);
  const settings = [
    'StrictHostKeyChecking=no',
    'UserKnownHostsFile=/dev/null',
    'LogLevel=ERROR',
    `Ciphers=${CIPHER}`,
  ];
  const options = settings.flatMap((setting) => ['-o', setting]);
  const target = `${userInfo().username}@${host}`;
  const [command, ...args] = [
    ...prefix,
    ...['sftp', '-q', ...options, '-i', keys.clientKey, '-P', String(port), '-b', file, target],
  ];
  return owned(spawn(command!, args, { stdio: ['ignore', 'ignore', 'pipe'] }));
}

/** Runs a batch to its end; returns the seconds that it took, its start and its connecting included. */
export async function runSftp(put: Put): Promise<number> {
  const startedMs = performance.now();
  const child = await startSftp(put);
  let complaint = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (complaint += text));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`sftp ended with ${code}: ${complaint}`);
  return (performance.now() - startedMs) / 1000;
}
