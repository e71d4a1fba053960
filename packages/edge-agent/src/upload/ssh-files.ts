import type { SFTPWrapper, Stats } from 'ssh2';
import type { RemoteEntry, RemoteFile, RemoteFiles } from './remote.js';

export type Callback<T> = (error: Error | undefined | null, value: T) => void;

/** Sends a request and waits for its answer; `operation` stands in the sentence about a refusal. */
export type Ask = <T>(operation: string, send: (answer: Callback<T>) => void) => Promise<T>;

const NO_SUCH_FILE = 2;

interface FileSystem {
  readonly f_bavail: number;
  readonly f_frsize: number;
}

/** The files of a server over an SFTP channel of ssh2. */
export class SshFiles implements RemoteFiles {
  readonly #sftp: SFTPWrapper;
  readonly #ask: Ask;

  constructor(sftp: SFTPWrapper, ask: Ask) {
    this.#sftp = sftp;
    this.#ask = ask;
  }

  async look(path: string, { follow }: { readonly follow: boolean }): Promise<RemoteEntry | undefined> {
    const stats = await this.#ask<Stats | undefined>('look at', (answer) => {
      const noted: Callback<Stats> = (error, found) => {
        const isMissing = error && 'code' in error && error.code === NO_SUCH_FILE;
        answer(isMissing ? undefined : error, error ? undefined : found);
      };
      if (follow) this.#sftp.stat(path, noted);
      else this.#sftp.lstat(path, noted);
    });
    if (!stats) return undefined;
    const kind = stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : 'other';
    return { kind, sizeBytes: stats.size };
  }

  async open(path: string): Promise<RemoteFile> {
    const handle = await this.#ask<Buffer>('read', (answer) => this.#sftp.open(path, 'r', answer));
    return { handle, sizeBytes: (await this.look(path, { follow: true }))?.sizeBytes ?? 0 };
  }

  async read(file: RemoteFile, offset: number, length: number): Promise<Uint8Array> {
    const into = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      const count = await this.#ask<number>('read', (answer) =>
        this.#sftp.read(asBuffer(file.handle), into, filled, length - filled, offset + filled, answer),
      );
      if (count === 0) break;
      filled += count;
    }
    return into.subarray(0, filled);
  }

  async makeDirectory(path: string): Promise<void> {
    await this.#ask<undefined>('make the directory of', (answer) => this.#sftp.mkdir(path, done(answer)));
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#ask<undefined>('name', (answer) => this.#sftp.rename(from, to, done(answer)));
  }

  async replace(from: string, to: string): Promise<void> {
    if (offers(this.#sftp, 'posix-rename@openssh.com', '1')) {
      await this.#ask<undefined>('name', (answer) => this.#sftp.ext_openssh_rename(from, to, done(answer)));
      return;
    }
    if (await this.look(to, { follow: false })) await this.remove(to);
    await this.rename(from, to);
  }

  async remove(path: string): Promise<void> {
    await this.#ask<undefined>('remove', (answer) => this.#sftp.unlink(path, done(answer)));
  }

  async freeBytes(path: string): Promise<number | undefined> {
    if (!offers(this.#sftp, 'statvfs@openssh.com', '2')) return undefined;
    const { f_bavail, f_frsize } = await this.#ask<FileSystem>('look at', (answer) =>
      this.#sftp.ext_openssh_statvfs(path, answer as Callback<unknown>),
    );
    return f_bavail * f_frsize;
  }
}

/** Whether the server has an extension in a version; ssh2 throws instead of telling. */
export function offers(sftp: SFTPWrapper, extension: string, version: string): boolean {
  const { _extensions: offered } = sftp as unknown as { readonly _extensions?: Record<string, string> };
  return offered?.[extension] === version;
}

export function done(answer: Callback<undefined>): (error?: Error | null) => void {
  return (error) => answer(error, undefined);
}

/** The same memory as ssh2 wants it typed. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
