import { AppError } from '@gapless/shared/errors';
import type { SftpAccess, SftpEvents, UploadTarget } from './access.js';
import { decideOpen } from './open-policy.js';
import type { PartialFile, Writer } from './partial-file.js';
import type { PartialFiles } from './partial-files.js';
import { readPath } from './path-policy.js';

/** What a client is told of a path. */
export type Attributes =
  { readonly kind: 'directory' } | { readonly kind: 'file'; readonly sizeBytes: number };

interface OpenFile {
  readonly writer: Writer;
  readonly partial: PartialFile;
}

export interface UploadSessionOptions {
  readonly user: string;
  readonly access: SftpAccess;
  readonly events: SftpEvents;
  readonly files: PartialFiles;
}

/** Uploads that one session may have open at a time. */
const MAX_HANDLES = 64;

/**
 * What one authenticated vehicle can do: write the files that it has tickets for, in order, and ask how far they are.
 * Knows nothing of SSH. Every refusal is an `AppError`, whose kind decides the status that the client sees.
 */
export class UploadSession {
  readonly #options: UploadSessionOptions;
  readonly #open = new Map<number, OpenFile>();
  #opening = 0;
  #nextHandle = 0;
  #ended = false;

  constructor(options: UploadSessionOptions) {
    this.#options = options;
  }

  get user(): string {
    return this.#options.user;
  }

  /** The absolute form of a path: there is one directory, and below it the ticketed names. */
  realPath(raw: string): string {
    const requested = readPath(raw);
    if (requested.kind === 'root') return '/';
    return `/${this.#ticketed(raw).path}`;
  }

  async stat(raw: string): Promise<Attributes> {
    if (readPath(raw).kind === 'root') return { kind: 'directory' };
    const { target } = this.#ticketed(raw);
    const sizeBytes = await this.#options.files.at(target.file).markBytes(target);
    if (sizeBytes === undefined) throw new AppError('SFTP_NO_SUCH_FILE', 'nothing of this file is here yet');
    return { kind: 'file', sizeBytes };
  }

  /** Opens a ticketed path for writing and ends whoever wrote it before; returns a handle. */
  async open(raw: string, flags: number): Promise<number> {
    const { path, target } = this.#ticketed(raw);
    const decision = decideOpen(flags, target.offset);
    if (decision.kind === 'refuse') throw new AppError('SFTP_REFUSED', decision.reason);
    // Handles that are still being opened count, or a client could ask for any number at once.
    if (this.#open.size + this.#opening >= MAX_HANDLES)
      throw new AppError('SFTP_REFUSED', `at most ${MAX_HANDLES} files can be open at a time`);
    const partial = this.#options.files.at(target.file);
    const writer: Writer = { user: this.user, path, file: target.file };
    this.#opening++;
    try {
      await partial.open(writer, target, decision.truncate);
    } finally {
      this.#opening--;
    }
    if (this.#ended) {
      await partial.abandon(writer);
      throw new AppError('SFTP_REFUSED', 'the session has ended');
    }
    const handle = this.#nextHandle++;
    this.#open.set(handle, { writer, partial });
    return handle;
  }

  /** Queues a write; `done` is called once with its fate, which may be at once. */
  write(
    handle: number,
    { offset, bytes }: { offset: number; bytes: Uint8Array },
    done: (error?: AppError) => void,
  ): void {
    const file = this.#open.get(handle);
    if (file) file.partial.write({ writer: file.writer, offset, bytes, done });
    else done(noSuchHandle());
  }

  async statHandle(handle: number): Promise<Attributes> {
    const { partial, writer } = this.#at(handle);
    return { kind: 'file', sizeBytes: await partial.markBehind(writer) };
  }

  /** Sets attributes of a path. Times, owner and mode are central's own, so they are accepted and ignored. */
  async setAttributes(raw: string, sizeBytes: number | undefined): Promise<void> {
    this.#ticketed(raw);
    if (sizeBytes !== undefined) throw new AppError('SFTP_UNSUPPORTED', 'a size is set on an open file only');
  }

  /** Sets attributes of an open file; the size may shrink to what the ticket allows, for a client that begins again. */
  async setHandleAttributes(handle: number, sizeBytes: number | undefined): Promise<void> {
    const { partial, writer } = this.#at(handle);
    if (sizeBytes !== undefined) await partial.shrink(writer, sizeBytes);
  }

  async sync(handle: number): Promise<void> {
    const { partial, writer } = this.#at(handle);
    await partial.sync(writer);
  }

  /** Closes a file. Of a complete one the owner of the server has been told when this resolves. */
  async close(handle: number): Promise<void> {
    const { partial, writer } = this.#at(handle);
    this.#open.delete(handle);
    const closed = await partial.close(writer);
    if (closed) this.#options.events.onClosed?.(closed);
  }

  /** The connection is gone: what had arrived in order is still written, then the files are let go. */
  async end(): Promise<void> {
    this.#ended = true;
    const files = [...this.#open.values()];
    this.#open.clear();
    await Promise.all(files.map(({ partial, writer }) => partial.abandon(writer)));
  }

  #at(handle: number): OpenFile {
    const file = this.#open.get(handle);
    if (!file) throw noSuchHandle();
    return file;
  }

  /** The target of a path's ticket; a path without one does not exist, whatever else may lie on disk. */
  #ticketed(raw: string): { path: string; target: UploadTarget } {
    const requested = readPath(raw);
    if (requested.kind === 'name') {
      const target = this.#options.access.target(this.user, requested.path);
      if (target) return { path: requested.path, target };
    }
    throw new AppError('SFTP_NO_SUCH_FILE', 'there is no ticket for this path');
  }
}

function noSuchHandle(): AppError {
  return new AppError('SFTP_REFUSED', 'there is no such open file');
}
