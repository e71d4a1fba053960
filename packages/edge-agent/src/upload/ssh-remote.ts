import { setMaxListeners } from 'node:events';
import type { Socket } from 'node:net';
import type { AppError } from '@gapless/shared/errors';
import { toAppError } from '@gapless/shared/errors';
import type { Clock } from '@gapless/shared/time';
import type { Client, SFTPWrapper, Stats } from 'ssh2';
import type { Refusals } from './errors.js';
import { refusal, unreachable } from './errors.js';
import type { Remote, RemoteFile } from './remote.js';
import type { Callback } from './ssh-files.js';
import { asBuffer, done, offers, SshFiles } from './ssh-files.js';

/** Bits of `pflags` in SSH_FXP_OPEN: write, and create if need be; never truncate, never append. */
const WRITE_CREATE = 0x02 | 0x08;

/**
 * An open SFTP channel of ssh2 as a `Remote`. ssh2 forgets some of its callbacks when a connection dies, so each request
 * is kept here until it is answered, and fails here when the connection is gone.
 */
export class SshRemote implements Remote {
  readonly #client: Client;
  readonly #sftp: SFTPWrapper;
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #refusals: Refusals;
  readonly files: SshFiles;
  readonly #gone = new AbortController();
  /** When each unanswered request was sent, in the order of sending. */
  readonly #unanswered = new Map<number, number>();
  readonly #failures = new Set<(error: AppError) => void>();
  #requests = 0;
  readonly localAddress: string | undefined;
  heardMs: number;

  constructor(parts: {
    client: Client;
    sftp: SFTPWrapper;
    socket: Socket;
    clock: Clock;
    refusals: Refusals;
  }) {
    this.#client = parts.client;
    this.#sftp = parts.sftp;
    this.#socket = parts.socket;
    this.#clock = parts.clock;
    this.#refusals = parts.refusals;
    this.files = new SshFiles(parts.sftp, (operation, send) => this.#ask(operation, send));
    // Every upload of the session listens.
    setMaxListeners(0, this.#gone.signal);
    // Without the zone of a link-local address: the interfaces are listed without it, too.
    this.localAddress = parts.socket.localAddress?.split('%')[0];
    this.heardMs = parts.clock.monotonicMs();
    this.#socket.on('data', () => (this.heardMs = this.#clock.monotonicMs()));
    const lost = (cause?: Error): void => this.end(unreachable('the SFTP connection was lost', cause));
    this.#client.on('error', lost);
    this.#client.on('end', () => lost());
    this.#client.on('close', () => lost());
    this.#sftp.on('error', lost);
    this.#sftp.on('end', () => lost());
    this.#sftp.on('close', () => lost());
  }

  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  get unansweredSinceMs(): number | undefined {
    const [oldest] = this.#unanswered.values();
    return oldest;
  }

  async open(path: string): Promise<RemoteFile> {
    // Both leave together. The server answers in order, so the size is that after the opening, when whoever wrote
    // before us has been ended.
    const opening = this.#ask<Buffer>('open', (answer) => this.#sftp.open(path, WRITE_CREATE, answer));
    const looking = this.#ask<Stats>('look at', (answer) => this.#sftp.stat(path, answer));
    looking.catch(() => undefined);
    const handle = await opening;
    return { handle, sizeBytes: (await looking).size };
  }

  write(file: RemoteFile, bytes: Uint8Array, offset: number, done: (error?: AppError) => void): void {
    if (this.gone.aborted) {
      done(toAppError(this.gone.reason));
      return;
    }
    const request = this.#sent();
    this.#sftp.write(asBuffer(file.handle), asBuffer(bytes), 0, bytes.length, offset, (error) => {
      this.#unanswered.delete(request);
      done(error ? refusal(this.#refusals, 'write', error) : undefined);
    });
  }

  async shrink(file: RemoteFile, sizeBytes: number): Promise<void> {
    await this.#ask<undefined>('cut', (answer) =>
      this.#sftp.fsetstat(asBuffer(file.handle), { size: sizeBytes }, done(answer)),
    );
  }

  async close(file: RemoteFile): Promise<void> {
    const handle = asBuffer(file.handle);
    // Central's own server syncs before it answers the closing; OpenSSH's offers it apart.
    const synced = offers(this.#sftp, 'fsync@openssh.com', '1')
      ? this.#ask<unknown>('sync', (answer) => this.#sftp.ext_openssh_fsync(handle, answer))
      : undefined;
    await Promise.all([
      synced,
      this.#ask<undefined>('close', (answer) => this.#sftp.close(handle, done(answer))),
    ]);
  }

  async ping(): Promise<void> {
    await this.#ask<string>('reach', (answer) => this.#sftp.realpath('.', answer));
  }

  end(reason: AppError): void {
    if (this.gone.aborted) return;
    this.#gone.abort(reason);
    this.#socket.destroy();
    this.#unanswered.clear();
    const failures = [...this.#failures];
    this.#failures.clear();
    for (const fail of failures) fail(reason);
  }

  #sent(): number {
    this.#unanswered.set(++this.#requests, this.#clock.monotonicMs());
    return this.#requests;
  }

  #ask<T>(operation: string, send: (answer: Callback<T>) => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.gone.throwIfAborted();
      const request = this.#sent();
      this.#failures.add(reject);
      send((error, value) => {
        this.#unanswered.delete(request);
        this.#failures.delete(reject);
        if (!error) resolve(value);
        else if (this.gone.aborted) reject(toAppError(this.gone.reason));
        else reject(refusal(this.#refusals, operation, error));
      });
    });
  }
}
