import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { AppError, errnoOf } from '@gapless/shared/errors';
import type { Extent, ExtentList } from '@gapless/shared/extents';
import { extentLength } from '@gapless/shared/extents';
import { diskError } from '@gapless/shared/fs';
import type { ByteSource } from '@gapless/shared/isobmff';
import { isWrapperPath } from './paths.js';
import type { SourceFile, Wrapper } from './wrapper.js';
import { decodeWrapper } from './wrapper.js';

const HASH_CHUNK_BYTES = 2 ** 20;

/**
 * A segment's file that is only read, for programs that do nothing else: it is read at once instead of by the thread pool,
 * which for many small files is several times faster. Of an adopted segment it is what the wrapper and the other recorder's
 * file are together.
 */
export class ReadFile implements ByteSource, Disposable {
  readonly sizeBytes: number;
  /** The other recorder's file, for an adopted segment. */
  readonly source: SourceFile | undefined;
  readonly #path: string;
  readonly #descriptor: number;
  readonly #content: ExtentList | undefined;

  /** @param wrapper what it is put together from: memory and stretches of the file at `path` */
  private constructor(path: string, descriptor: number, wrapper?: Wrapper) {
    const content = wrapper?.content;
    this.source = wrapper?.source;
    this.#path = path;
    this.#descriptor = descriptor;
    this.#content = content;
    this.sizeBytes = content?.length ?? fstatSync(descriptor).size;
  }

  /**
   * Opens a file; undefined if there is none, or not any more the one that was adopted. Throws STORAGE_WRITE_FAILED, the code of
   * every failure of the disk, and SEGMENT_FOREIGN for a wrapper that is none.
   */
  static open(path: string): ReadFile | undefined {
    try {
      return isWrapperPath(path) ? ReadFile.#openWrapped(path) : new ReadFile(path, openSync(path, 'r'));
    } catch (thrown) {
      if (thrown instanceof AppError) throw thrown;
      if (errnoOf(thrown) === 'ENOENT') return undefined;
      throw diskError('open', path, thrown);
    }
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    return this.#read(offset, Math.max(0, Math.min(length, this.sizeBytes - offset)));
  }

  static #openWrapped(path: string): ReadFile | undefined {
    const decoded = decodeWrapper(readFileSync(path));
    const { source } = decoded;
    const file = new ReadFile(source.path, openSync(source.path, 'r'), decoded);
    const { size, mtimeMs } = fstatSync(file.#descriptor);
    if (size === source.sizeBytes && Math.floor(mtimeMs) === source.modifiedMs) return file;
    file[Symbol.dispose]();
    return undefined;
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

  /** How many bytes were read: all, or as many as there are, at least one. */
  #readInto(into: Uint8Array, offset: number): number {
    if (!this.#content) return this.#readDisk(into, offset);
    const end = Math.min(offset + into.length, this.#content.length);
    let done = 0;
    for (const extent of end > offset ? this.#content.slice(offset, end).extents : []) {
      const count = this.#readExtent(extent, into.subarray(done, done + extentLength(extent)));
      done += count;
      if (count < extentLength(extent)) break;
    }
    return done;
  }

  #readExtent(extent: Extent, into: Uint8Array): number {
    if (extent.kind === 'file') return this.#readDisk(into, extent.offset);
    into.set(extent.bytes);
    return into.length;
  }

  #readDisk(into: Uint8Array, offset: number): number {
    try {
      return readSync(this.#descriptor, into, 0, into.length, offset);
    } catch (thrown) {
      throw diskError('read', this.#path, thrown);
    }
  }
}
