import type { AppError } from '@gapless/shared/errors';

/** A file that is open on the server, and how many bytes the server says it holds of it. */
export interface RemoteFile {
  readonly handle: Uint8Array;
  readonly sizeBytes: number;
}

/** What lies at a path on the server. */
export interface RemoteEntry {
  readonly kind: 'file' | 'directory' | 'other';
  readonly sizeBytes: number;
}

/** What a session can do beyond writing one file; central's own server allows none of it. Paths are the server's. */
export interface RemoteFiles {
  /** Looks at `path`, through links if `follow` is set; `undefined` if nothing is there. */
  look(path: string, options: { readonly follow: boolean }): Promise<RemoteEntry | undefined>;
  /** Opens a file that is there for reading. */
  open(path: string): Promise<RemoteFile>;
  /** Reads at most 32 KiB, fewer only where the file ends. */
  read(file: RemoteFile, offset: number, length: number): Promise<Uint8Array>;
  makeDirectory(path: string): Promise<void>;
  /** Gives a file another name; OpenSSH's server refuses a name that is taken, others may not. */
  rename(from: string, to: string): Promise<void>;
  /** The same, in place of what has that name: in one step where the server can, else by removing that first. */
  replace(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Bytes that may still be written where `path` lies; `undefined` if the server does not say. */
  freeBytes(path: string): Promise<number | undefined>;
}

/**
 * One live SFTP session. Requests are sent in the order of the calls and go out at once. When the session is gone every
 * promise rejects with the reason; the callbacks of writes may then stay silent, so whoever waits for them watches `gone`.
 */
export interface Remote {
  /** Aborts when the session can no longer be used; its reason is an `AppError` of kind `unavailable`. */
  readonly gone: AbortSignal;
  /** The address of this machine that the connection runs over. */
  readonly localAddress: string | undefined;
  /** When a byte last arrived, in monotonic milliseconds. */
  readonly heardMs: number;
  /** When the oldest request that waits for its answer was sent; `undefined` if all are answered. */
  readonly unansweredSinceMs: number | undefined;
  /** Opens `path` for writing, creates it if need be, and asks for its size, in one round trip. */
  open(path: string): Promise<RemoteFile>;
  /** Writes at most 31,744 bytes, which belong to the caller again on return; `done` tells of the server's answer. */
  write(file: RemoteFile, bytes: Uint8Array, offset: number, done: (error?: AppError) => void): void;
  /** Cuts the file off behind `sizeBytes`. */
  shrink(file: RemoteFile, sizeBytes: number): Promise<void>;
  /** Closes the file; resolves when the server has it on stable storage, as far as it offers that. */
  close(file: RemoteFile): Promise<void>;
  readonly files: RemoteFiles;
  /** Asks for a sign of life. */
  ping(): Promise<void>;
  /** Gives the session up at once. */
  end(reason: AppError): void;
}
