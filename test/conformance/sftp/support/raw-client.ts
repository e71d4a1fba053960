import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import type * as Ssh2 from 'ssh2';
import type { Client, ConnectConfig, SFTPWrapper, Stats } from 'ssh2';
import type { SftpKit } from './sftp-kit.js';
import { VEHICLE } from './sftp-kit.js';

// ssh2 as central has it installed; the repository's root has none.
const ssh2 = createRequire(new URL('../../../../packages/central/package.json', import.meta.url))(
  'ssh2',
) as typeof Ssh2;

type Callback<T> = (error: Error | null | undefined, value: T) => void;

/** A client that does as it is told, within the protocol and beyond good manners. */
export class RawClient implements AsyncDisposable {
  static readonly ssh2 = ssh2;
  readonly client: Client;
  readonly sftp: SFTPWrapper;
  readonly socket: Socket;

  private constructor(client: Client, sftp: SFTPWrapper, socket: Socket) {
    this.client = client;
    this.client.setMaxListeners(0);
    this.sftp = sftp;
    this.socket = socket;
  }

  static async connect(kit: SftpKit, config: Partial<ConnectConfig> = {}): Promise<RawClient> {
    const { client, socket } = await login(kit, config);
    const sftp = await new Promise<SFTPWrapper>((resolve, reject) =>
      client.sftp((error: Error | undefined, channel) => (error ? reject(error) : resolve(channel))),
    );
    return new RawClient(client, sftp, socket);
  }

  /** Calls one of ssh2's functions that end in a callback. */
  ask<T>(send: (answer: Callback<T>) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      this.client.once('close', () => reject(new Error('closed')));
      send((error, value) => (error ? reject(error) : resolve(value)));
    });
  }

  open(path: string, flags: number | string = 0x0a): Promise<Buffer> {
    return this.ask((answer) => this.sftp.open(path, flags as number, answer));
  }

  write(handle: Buffer, bytes: Uint8Array, offset: number): Promise<void> {
    return this.ask((answer) =>
      this.sftp.write(handle, Buffer.from(bytes), 0, bytes.length, offset, (error) =>
        answer(error, undefined),
      ),
    );
  }

  close(handle: Buffer): Promise<void> {
    return this.ask((answer) => this.sftp.close(handle, (error) => answer(error, undefined)));
  }

  stat(path: string): Promise<Stats> {
    return this.ask((answer) => this.sftp.stat(path, answer));
  }

  fsync(handle: Buffer): Promise<void> {
    // ssh2 sends it only to servers that announce it, and its own server cannot announce anything.
    (this.sftp as unknown as { _extensions: Record<string, string> })._extensions['fsync@openssh.com'] = '1';
    return this.ask((answer) => this.sftp.ext_openssh_fsync(handle, (error) => answer(error, undefined)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.socket.closed) return;
    const closed = new Promise<void>((resolve) => this.socket.once('close', () => resolve()));
    this.client.end();
    this.socket.destroy();
    await closed;
  }
}

/** Logs in and no further; rejects with ssh2's error if it is not let in. */
export function login(
  kit: SftpKit,
  config: Partial<ConnectConfig> = {},
): Promise<{ client: Client; socket: Socket }> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: kit.port, noDelay: true });
    const client = new ssh2.Client();
    client.on('error', reject);
    client.on('close', () => reject(new Error('closed')));
    client.on('ready', () => resolve({ client, socket }));
    client.connect({
      sock: socket,
      username: VEHICLE,
      privateKey: kit.vehicleKey.privateKey,
      hostVerifier: () => true,
      ...config,
    });
  });
}

/** The status code that a request was refused with, 0 if it was not. */
export async function statusOf(request: Promise<unknown>): Promise<number> {
  try {
    await request;
    return 0;
  } catch (thrown) {
    return (thrown as { code?: number }).code ?? -1;
  }
}

/** What a request was refused with. */
export async function messageOf(request: Promise<unknown>): Promise<string> {
  try {
    await request;
    return '';
  } catch (thrown) {
    return (thrown as Error).message;
  }
}
