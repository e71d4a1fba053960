import type { ByteSource } from '../isobmff/index.js';
import type { Extent } from './extent.js';
import { extentLength } from './extent.js';
import type { ExtentList } from './extent-list.js';
import { ExtentReader } from './extent-reader.js';

/** A virtual file as something to look into here and there; the file that was read last stays open. */
export class ExtentSource implements ByteSource, AsyncDisposable {
  readonly sizeBytes: number;
  readonly #list: ExtentList;
  readonly #reader = new ExtentReader();

  constructor(list: ExtentList) {
    this.sizeBytes = list.length;
    this.#list = list;
  }

  /**
   * The bytes from `offset` on: `length` of them, or fewer where the virtual file ends.
   *
   * @throws EXTENT_SHORT when a file is gone or shorter than its extents say, STORAGE_* when it cannot be read
   */
  async read(offset: number, length: number): Promise<Uint8Array> {
    const into = Buffer.allocUnsafeSlow(Math.max(0, Math.min(length, this.sizeBytes - offset)));
    let filled = 0;
    for (const extent of this.#extentsOf(offset, into.length)) {
      const part = into.subarray(filled, filled + extentLength(extent));
      await this.#reader.read(extent, 0, part);
      filled += part.length;
    }
    return into;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#reader[Symbol.asyncDispose]();
  }

  #extentsOf(offset: number, length: number): readonly Extent[] {
    return length === 0 ? [] : this.#list.slice(offset, offset + length).extents;
  }
}
