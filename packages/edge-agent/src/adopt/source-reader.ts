import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { AppError } from '@gapless/shared/errors';
import { diskError } from '@gapless/shared/fs';
import type { ByteSource } from '@gapless/shared/isobmff';

/** A file of another recorder, opened for reading only. */
export class SourceReader implements ByteSource, AsyncDisposable {
  readonly sizeBytes: number;
  readonly #path: string;
  readonly #handle: FileHandle;

  private constructor(path: string, handle: FileHandle, sizeBytes: number) {
    this.#path = path;
    this.#handle = handle;
    this.sizeBytes = sizeBytes;
  }

  /**
   * @param sizeBytes how much of it counts, as it was when it was found
   * @throws STORAGE_WRITE_FAILED, the code of every failure of the disk
   */
  static async open(path: string, sizeBytes: number): Promise<SourceReader> {
    try {
      return new SourceReader(path, await open(path, 'r'), sizeBytes);
    } catch (thrown) {
      throw diskError('open', path, thrown);
    }
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const into = Buffer.allocUnsafeSlow(Math.max(0, Math.min(length, this.sizeBytes - offset)));
    return into.subarray(0, await this.#fill(into, offset));
  }

  /** Fills `into`; throws EXTENT_SHORT where the file has become shorter. */
  async readAll(into: Uint8Array, offset: number): Promise<void> {
    const filled = await this.#fill(into, offset);
    if (filled < into.length)
      throw new AppError('EXTENT_SHORT', `${this.#path} ends at byte ${offset + filled} while it is read`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }

  async #fill(into: Uint8Array, offset: number): Promise<number> {
    try {
      for (let done = 0; done < into.length;) {
        const { bytesRead } = await this.#handle.read(into, done, into.length - done, offset + done);
        if (bytesRead === 0) return done;
        done += bytesRead;
      }
      return into.length;
    } catch (thrown) {
      throw diskError('read', this.#path, thrown);
    }
  }
}
