import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { userInfo } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { owned } from '@gapless/harness/children';
import type { SendOptions, SendResult } from './agent-upload-process.js';
import type { ServeOptions } from './central-sftp-process.js';
import type { Keys } from './openssh.js';

const SERVER = fileURLToPath(new URL('./central-sftp-process.js', import.meta.url));
const UPLOADER = fileURLToPath(new URL('./agent-upload-process.js', import.meta.url));

/** Central's SFTP server as a process of its own, for as long as it is not disposed. */
export class CentralSftp implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly port: number;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  static async start(keys: Keys, directory: string, host = '127.0.0.1'): Promise<CentralSftp> {
    const options: ServeOptions = { host, directory, hostKey: keys.hostKey };
    const child = owned(
      spawn(process.execPath, [SERVER, JSON.stringify(options)], { stdio: ['pipe', 'pipe', 'inherit'] }),
    );
    for await (const line of createInterface({ input: child.stdout }))
      return new CentralSftp(child, (JSON.parse(line) as { port: number }).port);
    throw new Error("central's SFTP server did not start");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.stdin?.end();
    await gone;
  }
}

export interface Upload {
  readonly keys: Keys;
  readonly host: string;
  readonly port: number;
  readonly file: string;
  readonly path: string;
  readonly times?: number;
  readonly prefix?: readonly string[];
}

/** Sends a file by the agent's uploader, in a process of its own; returns the seconds of each time. */
export async function runUpload(upload: Upload): Promise<readonly number[]> {
  const { keys, host, port, file, path, times = 1, prefix = [] } = upload;
  const options: SendOptions = {
    endpoint: { host, port, user: userInfo().username, hostKeys: [keys.fingerprint] },
    privateKey: keys.clientKey,
    file,
    path,
    times,
  };
  const [command, ...args] = [...prefix, process.execPath, UPLOADER, JSON.stringify(options)];
  const child = owned(spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] }));
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`the uploader ended with ${code}`);
  return (JSON.parse(said) as SendResult).seconds;
}
