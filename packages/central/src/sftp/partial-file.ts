import { dirname } from 'node:path';
import { AppError, assert, toAppError } from '@gapless/shared/errors';
import type { Disk, DiskFile } from '@gapless/shared/fs';
import type { ClosedUpload, SftpEvents, UploadRef, UploadTarget } from './access.js';
import { isFinal } from './disk-failure-policy.js';
import type { BatchResult, QueuedWrite } from './operation-queue.js';
import { OperationQueue } from './operation-queue.js';
import { RunningDigest } from './running-digest.js';
import type { PartialState } from './write-policy.js';
import { decideWrite } from './write-policy.js';

/** Stands for one open handle. Compared by identity: only the newest one of a file may write. */
export type Writer = UploadRef;

/**
 * One file that is being uploaded. Its operations run one at a time in the order of arrival, so that there is never more
 * than one write in flight and its length on disk is the length of a contiguous prefix, the *mark*.
 */
export class PartialFile {
  readonly file: string;
  readonly #disk: Disk;
  readonly #events: SftpEvents;
  readonly #queue: OperationQueue<Writer>;
  readonly #digest = new RunningDigest();
  #handle: DiskFile | undefined;
  #writer: Writer | undefined;
  /** What this process has itself written or found sound; `undefined` until the file was first opened. */
  #markBytes: number | undefined;
  #floorBytes = 0;
  #sizeBytes = 0;
  /** The disk failed in a way after which this file is not trusted any more. */
  #failure: AppError | undefined;
  /** The disk failed in a way that may pass: this writer is over, the next one may try. */
  #setback: AppError | undefined;
  #sha256: string | undefined;

  constructor(disk: Disk, file: string, events: SftpEvents) {
    this.#disk = disk;
    this.file = file;
    this.#events = events;
    this.#queue = new OperationQueue((batch) => this.#write(batch));
  }

  /** Whether nothing holds the file open, so that it may be forgotten. */
  get isIdle(): boolean {
    return this.#writer === undefined && this.#handle === undefined && this.#queue.isIdle;
  }

  /** SHA-256 in lower-case hex of the complete file; `undefined` while anyone may still change it. */
  get sha256(): string | undefined {
    return this.#writer ? undefined : this.#sha256;
  }

  /** How many bytes count of what `target` names; `undefined` if there is no such file. Answered in the order asked. */
  markBytes(target: UploadTarget): Promise<number | undefined> {
    return this.#queue.run(async () => {
      if (this.#handle) return this.#mark;
      const onDisk = await this.#disk.sizeBytes(this.file);
      return onDisk === undefined ? undefined : this.#believed(onDisk, target);
    });
  }

  /** The mark as an open handle sees it, after everything that was asked before. */
  markBehind(writer: Writer): Promise<number> {
    return this.#run(writer, async () => this.#mark);
  }

  /**
   * Makes `writer` the one who may write. Whoever was before is refused from now on, with whatever of theirs still waits.
   *
   * @throws STORAGE_WRITE_FAILED, and for good once this file is not to be trusted any more
   */
  open(writer: Writer, target: UploadTarget, truncate: boolean): Promise<void> {
    this.#writer = writer;
    return this.#run(writer, async () => {
      try {
        if (this.#failure) throw this.#failure;
        this.#setback = undefined;
        await this.#guard(writer, () => this.#prepare(target, truncate));
      } catch (thrown) {
        await this.#release(writer);
        throw thrown;
      }
      if (this.#digest.hashedBytes < this.#mark) this.#catchUp();
    });
  }

  /** Queues a write; its `done` is called when its bytes are in the file or will never be. */
  write(write: QueuedWrite<Writer>): void {
    this.#queue.write(write);
  }

  /**
   * Cuts the file to `lengthBytes`.
   *
   * @throws SFTP_OUT_OF_ORDER unless that lies between what is final and the mark
   */
  shrink(writer: Writer, lengthBytes: number): Promise<void> {
    return this.#run(writer, async () => {
      const inside = lengthBytes >= this.#floorBytes && lengthBytes <= this.#mark;
      if (!inside) throw new AppError('SFTP_OUT_OF_ORDER', `the file cannot be cut to ${lengthBytes} bytes`);
      if (lengthBytes < this.#mark) await this.#guard(writer, () => this.#cut(lengthBytes));
    });
  }

  /** Makes what was written survive a power cut. */
  sync(writer: Writer): Promise<void> {
    return this.#run(writer, () => this.#guard(writer, () => this.#open.sync()));
  }

  /**
   * Ends `writer`. A complete file is synced, with its directory entry, and hashed before this resolves.
   *
   * @returns `undefined` if bytes are still missing
   */
  close(writer: Writer): Promise<ClosedUpload | undefined> {
    return this.#run(writer, async () => {
      try {
        const lost = this.#failure ?? this.#setback;
        if (lost) throw lost;
        if (this.#mark < this.#sizeBytes) return undefined;
        await this.#guard(writer, () => this.#complete());
        return { ...writer, sizeBytes: this.#sizeBytes, sha256: this.#sha256! };
      } finally {
        await this.#release(writer);
      }
    });
  }

  /** Ends `writer` because its session died. What it had sent in order is still written; the rest is cut off. */
  abandon(writer: Writer): Promise<void> {
    return this.#queue.run(async () => {
      if (this.#writer === writer) await this.#release(writer);
    });
  }

  /** Ends whoever writes, at once, and resolves when nothing touches the file any more. */
  dispose(): Promise<void> {
    this.#writer = undefined;
    return this.#queue.run(() => this.#release(undefined));
  }

  get #mark(): number {
    assert(this.#markBytes !== undefined, 'a partial file is opened before it is used');
    return this.#markBytes;
  }

  get #open(): DiskFile {
    assert(this.#handle, 'a partial file is open while it has a writer');
    return this.#handle;
  }

  /** How much of what lies on disk counts: what this process wrote itself, or else what the ticket says is sound. */
  #believed(onDiskBytes: number, target: UploadTarget): number {
    const own = onDiskBytes === this.#markBytes && onDiskBytes <= target.sizeBytes && !this.#failure;
    return own ? onDiskBytes : Math.min(onDiskBytes, target.offset);
  }

  /** Runs an operation of `writer` in its turn, if by then it still is the one who may write. */
  #run<T>(writer: Writer, operation: () => Promise<T>): Promise<T> {
    return this.#queue.run(async () => {
      if (this.#writer !== writer) throw replaced();
      return operation();
    });
  }

  async #prepare(target: UploadTarget, truncate: boolean): Promise<void> {
    const exists = (await this.#disk.sizeBytes(this.file)) !== undefined;
    this.#handle ??= await (exists ? this.#disk.open(this.file) : this.#disk.create(this.file));
    const onDisk = await this.#handle.sizeBytes();
    const markBytes = truncate ? 0 : this.#believed(onDisk, target);
    // Someone else changed the file since: what was hashed of it says nothing about what is there now.
    if (onDisk !== this.#markBytes) await this.#forgetFrom(0);
    this.#sizeBytes = target.sizeBytes;
    this.#floorBytes = Math.min(target.offset, markBytes);
    this.#markBytes = markBytes;
    if (onDisk !== markBytes) await this.#cut(markBytes);
  }

  /** Puts the mark to `lengthBytes` and cuts off what lies behind it. */
  async #cut(lengthBytes: number): Promise<void> {
    await this.#forgetFrom(lengthBytes);
    this.#markBytes = lengthBytes;
    await this.#open.truncate(lengthBytes);
  }

  async #forgetFrom(lengthBytes: number): Promise<void> {
    // Before anything is waited for: nobody must take the hash of what is about to be another file.
    this.#sha256 = undefined;
    await this.#digest.halt();
    this.#digest.rewind(lengthBytes);
  }

  async #complete(): Promise<void> {
    await this.#open.sync();
    await this.#disk.syncDirectory(dirname(this.file));
    await this.#digest.catchUp(this.#open, () => this.#mark);
    if (this.#digest.hashedBytes !== this.#sizeBytes)
      throw new AppError('STORAGE_WRITE_FAILED', `${this.file} was changed by someone else`);
    this.#sha256 = this.#digest.digest();
  }

  async #release(writer: Writer | undefined): Promise<void> {
    const handle = this.#handle;
    // The next writer may have announced itself while this one ended.
    if (this.#writer === writer) this.#writer = undefined;
    if (!handle) return;
    await this.#digest.halt();
    if (this.#sha256 === undefined && this.#markBytes !== undefined) await this.#cutBack();
    this.#handle = undefined;
    try {
      await handle.close();
    } catch (thrown) {
      // Of a complete file everything was synced before. Of another, a failed close may mean lost writes.
      if (this.#sha256 === undefined) this.#fail(writer, toAppError(thrown));
    }
  }

  /** A write that failed half-way may have left bytes behind the mark. */
  async #cutBack(): Promise<void> {
    try {
      await this.#open.truncate(this.#mark);
    } catch {
      // They stay, then. The next opening sees that the length is not the mark and believes the ticket alone.
    }
  }

  async #write(batch: readonly QueuedWrite<Writer>[]): Promise<BatchResult> {
    const first = batch[0]!;
    if (this.#writer !== first.writer) return { written: 0, error: replaced() };
    const lost = this.#failure ?? this.#setback;
    if (lost) return { written: 0, error: lost };
    const state = { markBytes: this.#mark, floorBytes: this.#floorBytes, sizeBytes: this.#sizeBytes };
    const decision = decideWrite({ offset: first.offset, length: first.bytes.length }, state);
    if (decision.kind === 'refuse') return { written: 0, error: outOfOrder(decision.reason) };
    const fitting = batch.filter((write) => write.offset + write.bytes.length <= state.sizeBytes);
    try {
      await this.#guard(first.writer, async () => {
        if (decision.kind === 'rewind') await this.#cut(first.offset);
        const markBytes = await this.#append(fitting);
        this.#events.onProgress?.(first.writer, markBytes);
      });
    } catch (thrown) {
      await this.#cutBack();
      return { written: 0, error: toAppError(thrown) };
    }
    const all = fitting.length === batch.length;
    return all ? { written: batch.length } : { written: fitting.length, error: beyond(state) };
  }

  /** Puts contiguous writes behind the mark; returns the new mark. */
  async #append(writes: readonly QueuedWrite<Writer>[]): Promise<number> {
    const from = this.#mark;
    const bytes = writes.length === 1 ? writes[0]!.bytes : Buffer.concat(writes.map((write) => write.bytes));
    // Disk and hash work at the same time; if the disk fails, the hash starts anew.
    const written = this.#open.write(bytes, from);
    this.#digest.append(bytes, from);
    await written;
    this.#markBytes = from + bytes.length;
    if (this.#digest.hashedBytes < this.#markBytes) this.#catchUp();
    return this.#markBytes;
  }

  #catchUp(): void {
    // A failure shows again when the file is closed, and there it is answered for.
    this.#digest.catchUp(this.#open, () => this.#mark).catch(() => undefined);
  }

  /** Runs a disk operation. A failure ends this writer and, if its kind says so, the file. */
  async #guard(writer: Writer, operation: () => Promise<void>): Promise<void> {
    try {
      await operation();
    } catch (thrown) {
      const error = toAppError(thrown);
      this.#fail(writer, error);
      throw error;
    }
  }

  #fail(writer: Writer | undefined, error: AppError): void {
    if (isFinal(error)) this.#failure = error;
    this.#setback = error;
    this.#digest.rewind(this.#markBytes ?? 0);
    if (writer) this.#events.onFailed?.(writer, error);
  }
}

function replaced(): AppError {
  return new AppError('SFTP_WRITER_REPLACED', 'this upload was taken over by a newer session, or withdrawn');
}

function outOfOrder(reason: string): AppError {
  return new AppError('SFTP_OUT_OF_ORDER', reason);
}

function beyond(state: PartialState): AppError {
  return outOfOrder(`the ticket is for ${state.sizeBytes} bytes`);
}
