import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { SshKeyPair } from '@gapless/shared/ssh';

const SSHD = '/usr/sbin/sshd';
const SFTP = '/usr/bin/sftp';

/** Whether OpenSSH's programs are there to be tested against. */
export const hasSshd = existsSync(SSHD);
export const hasSftp = existsSync(SFTP);

/** The user that OpenSSH's server lets in: it can only be the one who runs it. */
export const sshdUser = userInfo().username;

export interface Ended {
  readonly code: number;
  readonly output: string;
}

/** Runs commands in OpenSSH's `sftp`, each of which ends it if it fails unless it begins with a dash. */
export async function runSftp(
  options: { directory: string; key: SshKeyPair; user: string; port: number; settings?: readonly string[] },
  commands: readonly string[],
): Promise<Ended> {
  const { directory, key, user, port } = options;
  const keyFile = join(directory, 'sftp-key');
  const batch = join(directory, 'sftp-batch');
  await writeFile(keyFile, key.privateKey, { mode: 0o600 });
  await chmod(keyFile, 0o600);
  await writeFile(batch, commands.map((command) => `${command}\n`).join(''));
  const quiet = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR'];
  const settings = [...quiet, ...(options.settings ?? [])];
  const args = ['-i', keyFile, '-P', String(port), '-b', batch, '-F', '/dev/null'];
  const flags = settings.flatMap((setting) => ['-o', setting]);
  return new Promise((resolve) => {
    execFile(SFTP, [...flags, ...args, `${user}@127.0.0.1`], (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, output: stdout + stderr }),
    );
  });
}

/** OpenSSH's own server with `internal-sftp`, which lets in one key. */
export class Sshd implements AsyncDisposable {
  readonly port: number;
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess, port: number) {
    this.#process = process;
    this.port = port;
  }

  static async start(
    directory: string,
    keys: { host: SshKeyPair; client: SshKeyPair | { authorizedKeysFile: string } },
    settings: readonly string[] = [],
    { shadow }: { readonly shadow?: string } = {},
  ): Promise<Sshd> {
    const port = await freePort();
    await mkdir(directory, { recursive: true });
    const at = (name: string): string => join(directory, name);
    await writeFile(at('host'), keys.host.privateKey, { mode: 0o600 });
    const { client } = keys;
    const authorized = 'authorizedKeysFile' in client ? client.authorizedKeysFile : at('authorized');
    if ('publicKey' in client) await writeFile(authorized, `${client.publicKey}\n`, { mode: 0o600 });
    const lines = [
      'ListenAddress 127.0.0.1',
      `Port ${port}`,
      `HostKey ${at('host')}`,
      `AuthorizedKeysFile ${authorized}`,
      'StrictModes no',
      'UsePAM no',
      'PidFile none',
      'Subsystem sftp internal-sftp',
      ...settings,
    ];
    await writeFile(at('config'), `${lines.join('\n')}\n`);
    // Run by root it wants this directory to exist, whatever it is configured to do.
    if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
    // With passwords of its own: a file that only this server sees in place of the system's.
    const shown = shadow === undefined ? '' : `mount --bind '${shadow}' /etc/shadow && `;
    const run = `${shown}exec ${SSHD} -D -e -f '${at('config')}'`;
    const [program, ...args] = [...(shadow === undefined ? [] : ['unshare', '--mount']), 'sh', '-c', run];
    const server = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    const said: string[] = [];
    for await (const line of createInterface({ input: server.stderr })) {
      said.push(line);
      if (!line.includes('listening')) continue;
      server.stderr.resume();
      return new Sshd(server, port);
    }
    throw new Error(`sshd did not start: ${said.join('; ')}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Not 'close': the processes of sessions hold its standard error until their clients leave.
    const ended = new Promise<void>((resolve) => this.#process.once('exit', () => resolve()));
    this.#process.kill();
    await ended;
  }
}

/** sshd cannot take a free port by itself and say which. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}
