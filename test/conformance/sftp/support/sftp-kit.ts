import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClosedUpload, SftpServerOptions, UploadTarget } from '@gapless/central/sftp/index';
import { SftpServer } from '@gapless/central/sftp/index';
import type { SftpEndpoint, SftpUploaderOptions } from '@gapless/edge-agent/upload/index';
import { systemLocalAddresses } from '@gapless/edge-agent/local-addresses';
import { SftpUploader } from '@gapless/edge-agent/upload/index';
import type { AppError } from '@gapless/shared/errors';
import { nodeDisk } from '@gapless/shared/fs';
import { Disposal, systemRandom } from '@gapless/shared/lifecycle';
import { createLog } from '@gapless/shared/log';
import type { SshKeyPair } from '@gapless/shared/ssh';
import { generateSshKey, parsePublicKey } from '@gapless/shared/ssh';
import { systemClock } from '@gapless/shared/time';

export const VEHICLE = 'bus-042';

/** A server with its own directory, one vehicle that may log in, and the tickets that a test hands out. */
export class SftpKit implements AsyncDisposable {
  readonly directory: string;
  readonly vehicleKey: SshKeyPair = generateSshKey(systemRandom, VEHICLE);
  hostKey: SshKeyPair = generateSshKey(systemRandom, 'central');
  readonly tickets = new Map<string, UploadTarget>();
  readonly closed: ClosedUpload[] = [];
  readonly failed: AppError[] = [];
  /** How many times any key was shown to the server. */
  authentications = 0;
  #server: SftpServer | undefined;
  readonly #closedWaiters = new Set<() => void>();
  readonly #owned = new Disposal();

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async create(options: Partial<SftpServerOptions> = {}): Promise<SftpKit> {
    const kit = new SftpKit(await mkdtemp(join(tmpdir(), 'gapless-sftp-')));
    kit.#owned.defer(() => rm(kit.directory, { recursive: true, force: true }));
    kit.#owned.defer(() => kit.stop());
    await kit.start(options);
    return kit;
  }

  get server(): SftpServer {
    if (!this.#server) throw new Error('the server is stopped');
    return this.#server;
  }

  get port(): number {
    return this.server.address.port;
  }

  /** Starts the server, again if it was stopped; `port` 0 is a new one. */
  async start(options: Partial<SftpServerOptions> = {}): Promise<void> {
    this.#server = await SftpServer.start({
      host: '127.0.0.1',
      port: 0,
      hostKeys: [this.hostKey.privateKey],
      access: {
        isAuthorised: (user, key) => {
          this.authentications++;
          return user === VEHICLE && Buffer.from(parsePublicKey(this.vehicleKey.publicKey)).equals(key);
        },
        target: (user, path) => (user === VEHICLE ? this.tickets.get(path) : undefined),
      },
      events: {
        onClosed: (upload) => {
          this.closed.push(upload);
          for (const wake of this.#closedWaiters) wake();
        },
        onFailed: (_, error) => this.failed.push(error),
      },
      disk: nodeDisk,
      clock: systemClock,
      log: createLog('test', 'silent'),
      ...options,
    });
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    await server?.[Symbol.asyncDispose]();
  }

  /** Hands out a ticket; returns where its file lies. */
  ticket(path: string, sizeBytes: number, offset = 0): string {
    const file = join(this.directory, path.replaceAll('/', '-'));
    this.tickets.set(path, { file, sizeBytes, offset });
    return file;
  }

  endpoint(port = this.port): SftpEndpoint {
    return { host: '127.0.0.1', port, user: VEHICLE, hostKeys: [this.hostKey.fingerprint] };
  }

  uploader(options: Partial<SftpUploaderOptions> = {}, endpoint = this.endpoint()): SftpUploader {
    const uploader = this.#owned.use(
      new SftpUploader({
        login: { privateKey: this.vehicleKey.privateKey },
        clock: systemClock,
        random: systemRandom,
        localAddresses: systemLocalAddresses,
        ...options,
      }),
    );
    uploader.setEndpoint(endpoint);
    return uploader;
  }

  /** Resolves when `count` uploads have been closed complete. */
  async closedCount(count: number): Promise<void> {
    while (this.closed.length < count)
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#closedWaiters.delete(wake);
          resolve();
        };
        this.#closedWaiters.add(wake);
      });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned[Symbol.asyncDispose]();
  }
}

/** Bytes that look random, never repeat at block distance, and are the same every time. */
export function sampleBytes(sizeBytes: number, seed = 1): Buffer {
  const out = Buffer.allocUnsafe(sizeBytes);
  let state = (seed * 2654435761) >>> 0 || 1;
  for (let i = 0; i < sizeBytes; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    out[i] = state & 0xff;
  }
  return out;
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A source as an uploader reads it, in chunks of an odd size so that pieces cross their seams. */
export function sourceOf(
  bytes: Uint8Array,
  chunkBytes = 100_003,
): (from: number) => AsyncIterable<Uint8Array> {
  return async function* (from: number) {
    for (let at = from; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
  };
}

export function never(): AbortSignal {
  return new AbortController().signal;
}

export async function contentOf(file: string): Promise<Buffer> {
  return readFile(file);
}
