import { AppError } from '@gapless/shared/errors';
import { forwardAborts, unlessAborted } from './aborts.js';
import { ByteReader } from './byte-reader.js';
import type { PauseGate } from './pause-gate.js';
import type { Remote, RemoteFile } from './remote.js';
import type { Grant, UploadWindow } from './upload-window.js';
import { WRITE_BYTES } from './upload-window.js';

export interface PipelinedWriterOptions {
  readonly remote: Remote;
  readonly file: RemoteFile;
  /** Where writing begins, in the source as in the remote file. */
  readonly from: number;
  /** Where it ends. */
  readonly sizeBytes: number;
  /** Yields the bytes from `from` on; may reuse the memory of a chunk when it is asked for the next. */
  readonly source: AsyncIterable<Uint8Array>;
  readonly window: UploadWindow;
  readonly gate: PauseGate;
  /** Told when the last piece has left, before it is acknowledged. */
  readonly onSent: () => void;
  /** Told after each acknowledgement how far the file is acknowledged without a hole. */
  readonly onAcked: (ackedBytes: number) => void;
  /** Any of them stops the writing. The end of the session does so too. */
  readonly signals: readonly AbortSignal[];
}

/**
 * Writes a file in order: strictly rising offsets, pieces of exactly 31,744 bytes, several on their way at a time.
 *
 * The length matters. ssh2 cuts a write longer than 31,952 bytes unless the server calls itself OpenSSH, and sends the rest
 * only after the first part is acknowledged, when later pieces are already under way: that leaves holes behind the remote
 * size, and resuming by size then makes a corrupt file. With its headers a piece of 31 KiB is one SSH packet.
 */
export class PipelinedWriter {
  readonly #options: PipelinedWriterOptions;
  readonly #reader: ByteReader;
  readonly #failed = new AbortController();
  /** Grants of unanswered writes by offset, in the order of sending. */
  readonly #unanswered = new Map<number, Grant>();
  #position: number;
  #drained: (() => void) | undefined;

  constructor(options: PipelinedWriterOptions) {
    this.#options = options;
    this.#reader = new ByteReader(options.source);
    this.#position = options.from;
  }

  /** How far has been sent. */
  get position(): number {
    return this.#position;
  }

  /**
   * Resolves when every byte is acknowledged.
   *
   * @throws UPLOAD_SOURCE_SHORT, what the source or the server failed with, or the signal's reason
   */
  async run(): Promise<void> {
    const { signals, remote } = this.#options;
    const unlink = forwardAborts([...signals, remote.gone], this.#failed);
    try {
      await this.#send();
      this.#options.onSent();
      await this.#settled();
      await this.#reader.close();
    } catch (thrown) {
      // A source that is being read cannot be interrupted; it ends when its current read does.
      this.#reader.close().catch(() => undefined);
      throw thrown;
    } finally {
      unlink();
      for (const grant of this.#unanswered.values()) this.#options.window.lost(grant);
      this.#unanswered.clear();
    }
  }

  async #send(): Promise<void> {
    const { sizeBytes, gate, window } = this.#options;
    const stop = this.#failed.signal;
    stop.throwIfAborted();
    // Whatever is at hand goes without a promise in between: that is most pieces, and fast links feel it.
    while (this.#position < sizeBytes) {
      if (gate.holds(this.#position)) await gate.pass(this.#position, stop);
      const wanted = gate.pieceBytes(this.#position, Math.min(WRITE_BYTES, sizeBytes - this.#position));
      const bytes = this.#reader.takeReady(wanted) ?? (await unlessAborted(this.#reader.take(wanted), stop));
      if (bytes.length < wanted) throw this.#short(bytes.length);
      this.#write(bytes, window.acquireReady(bytes.length) ?? (await this.#leave(bytes.length, window)));
    }
  }

  /** Waits for room in the window; a pause may begin meanwhile. */
  async #leave(bytes: number, window: UploadWindow): Promise<Grant> {
    const { gate } = this.#options;
    for (;;) {
      const grant = await window.acquire(bytes, this.#failed.signal);
      if (!gate.holds(this.#position)) return grant;
      window.lost(grant);
      await gate.pass(this.#position, this.#failed.signal);
    }
  }

  #write(bytes: Uint8Array, grant: Grant): void {
    const { remote, file } = this.#options;
    const offset = this.#position;
    this.#position += bytes.length;
    this.#unanswered.set(offset, grant);
    remote.write(file, bytes, offset, (error) => this.#answered(offset, error));
  }

  #answered(offset: number, error: AppError | undefined): void {
    const grant = this.#unanswered.get(offset);
    if (!grant) return;
    this.#unanswered.delete(offset);
    if (error) {
      this.#options.window.lost(grant);
      this.#failed.abort(error);
      return;
    }
    this.#options.window.acked(grant);
    const [firstUnanswered = this.#position] = this.#unanswered.keys();
    this.#options.onAcked(firstUnanswered);
    if (this.#unanswered.size === 0) this.#drained?.();
  }

  async #settled(): Promise<void> {
    if (this.#unanswered.size === 0) return;
    const drained = new Promise<void>((resolve) => (this.#drained = resolve));
    await unlessAborted(drained, this.#failed.signal);
  }

  #short(got: number): AppError {
    const { sizeBytes } = this.#options;
    return new AppError(
      'UPLOAD_SOURCE_SHORT',
      `the artifact ended at ${this.#position + got} of ${sizeBytes} bytes`,
    );
  }
}
