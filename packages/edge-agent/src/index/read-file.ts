import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { errnoOf } from '@gapless/shared/errors';
import { diskError } from '@gapless/shared/fs';
import type { ByteSource } from '@gapless/shared/isobmff';

const HASH_CHUNK_BYTES = 2 ** 20;

/**
 * A file that is only read, for programs that do nothing else: it is read at once instead of by the thread pool, which
 * for many small files is several times faster.
 */
export class ReadFile implements ByteSource, Disposable {
  readonly sizeBytes: number;
  readonly #path: string;
  readonly #descriptor: number;

  private constructor(path: string, descriptor: number) {
    this.#path = path;
    this.#descriptor = descriptor;
    this.sizeBytes = fstatSync(descriptor).size;
  }

  /** Opens a file; undefined if there is none. Throws STORAGE_WRITE_FAILED, the code of every failure of the disk. */
  static open(path: string): ReadFile | undefined {
    try {
      return new ReadFile(path, openSync(path, 'r'));
    } catch (thrown) {
      if (errnoOf(thrown) === 'ENOENT') return undefined;
      throw diskError('open', path, thrown);
    }
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    return this.#read(offset, Math.max(0, Math.min(length, this.sizeBytes - offset)));
  }

  /**
   * SHA-256 of the whole file and of what stands before `splitAt`, hex, in one pass.
   *
   * @param splitAt from 0 to the size of the file
   */
  hash(splitAt: number): { readonly whole: string; readonly before: string } {
    const hash = createHash('sha256');
    const chunk = Buffer.alloc(Math.min(HASH_CHUNK_BYTES, Math.max(1, this.sizeBytes)));
    const update = (from: number, to: number): void => {
      for (let at = from; at < to;) {
        const length = this.#readInto(chunk.subarray(0, Math.min(chunk.length, to - at)), at);
        if (length === 0) return; // shorter than it was a moment ago; its hash will tell
        hash.update(chunk.subarray(0, length));
        at += length;
      }
    };
    update(0, splitAt);
    const before = hash.copy().digest('hex');
    update(splitAt, this.sizeBytes);
    return { whole: hash.digest('hex'), before };
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor);
  }

  #read(offset: number, length: number): Uint8Array {
    const into = Buffer.alloc(length);
    let done = 0;
    while (done < length) {
      const count = this.#readInto(into.subarray(done), offset + done);
      if (count === 0) break;
      done += count;
    }
    return into.subarray(0, done);
  }

  #readInto(into: Uint8Array, offset: number): number {
    try {
      return readSync(this.#descriptor, into, 0, into.length, offset);
    } catch (thrown) {
      throw diskError('read', this.#path, thrown);
    }
  }
}
