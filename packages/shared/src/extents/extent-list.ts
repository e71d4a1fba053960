import { createHash } from 'node:crypto';
import { assert } from '../errors/index.js';
import type { DiskFile } from '../fs/index.js';
import type { Extent } from './extent.js';
import { extentLength, sliceExtent } from './extent.js';
import { ExtentReader } from './extent-reader.js';

export interface StreamOptions {
  readonly signal: AbortSignal;
  /** Most bytes that come at once. */
  readonly chunkBytes?: number;
  /**
   * All chunks share one memory: a chunk is good until the next one is asked for. Where much is read, fresh memory for each
   * chunk costs more than the reading, in page faults and garbage collection.
   */
  readonly reuse?: boolean;
}

const DEFAULT_CHUNK_BYTES = 2 ** 20;

/**
 * A virtual file: extents one after the other. Its length is known before anything is read, the same list always gives
 * the same bytes, and reading can begin anywhere, so that resumption and HTTP ranges need nothing more.
 */
export class ExtentList {
  /** Length in bytes. */
  readonly length: number;
  /** In order, none of them empty. */
  readonly extents: readonly Extent[];
  /** Where each extent begins. */
  readonly #starts: readonly number[];

  constructor(extents: readonly Extent[]) {
    const starts: number[] = [];
    let length = 0;
    this.extents = extents.filter((extent) => extentLength(extent) > 0);
    for (const extent of this.extents) {
      const bounds = extent.kind === 'file' ? [extent.offset, extent.length] : [];
      assert(
        bounds.every((value) => Number.isSafeInteger(value) && value >= 0),
        'offset and length of an extent are whole numbers',
      );
      starts.push(length);
      length += extentLength(extent);
    }
    this.length = length;
    this.#starts = starts;
  }

  /** The bytes `[from, to)` as a list of their own. Nothing is read or copied. */
  slice(from: number, to: number): ExtentList {
    this.#requireInside(from, to);
    const parts: Extent[] = [];
    for (let i = this.#indexAt(from); i < this.extents.length && this.#starts[i]! < to; i++) {
      const extent = this.extents[i]!;
      const start = this.#starts[i]!;
      const end = Math.min(to - start, extentLength(extent));
      parts.push(sliceExtent(extent, Math.max(0, from - start), end));
    }
    return new ExtentList(parts);
  }

  /**
   * The bytes `[from, to)` in chunks of `chunkBytes`, the last one shorter. Each chunk is a buffer of its own, unless
   * `reuse` says otherwise; the next is read only when it is asked for.
   *
   * @throws EXTENT_SHORT when a file is gone or shorter than its extents say, STORAGE_* when it cannot be read, the
   *   signal's reason once it aborts
   */
  async *stream(
    from: number,
    to: number,
    { signal, chunkBytes = DEFAULT_CHUNK_BYTES, reuse = false }: StreamOptions,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    this.#requireInside(from, to);
    await using reader = new ExtentReader();
    let memory: Uint8Array | undefined;
    for (let at = from; at < to;) {
      signal.throwIfAborted();
      const size = Math.min(chunkBytes, to - at);
      if (!memory || !reuse) memory = Buffer.allocUnsafeSlow(size);
      const chunk = memory.subarray(0, size);
      await this.#fill(reader, at, chunk);
      at += chunk.length;
      yield chunk;
    }
  }

  /** SHA-256 of all bytes, in hex. Throws as {@link stream} does. */
  async sha256(signal: AbortSignal): Promise<string> {
    const hash = createHash('sha256');
    for await (const chunk of this.stream(0, this.length, { signal })) hash.update(chunk);
    return hash.digest('hex');
  }

  /** Writes all bytes to `file` from its start on; syncing is the caller's. Throws as {@link stream} does. */
  async writeTo(file: DiskFile, signal: AbortSignal): Promise<void> {
    let at = 0;
    for await (const chunk of this.stream(0, this.length, { signal })) {
      await file.write(chunk, at);
      at += chunk.length;
    }
  }

  async #fill(reader: ExtentReader, from: number, into: Uint8Array): Promise<void> {
    let filled = 0;
    for (let i = this.#indexAt(from); filled < into.length; i++) {
      const extent = this.extents[i]!;
      const inside = from + filled - this.#starts[i]!;
      const count = Math.min(into.length - filled, extentLength(extent) - inside);
      await reader.read(extent, inside, into.subarray(filled, filled + count));
      filled += count;
    }
  }

  /** Index of the extent that holds byte `at`. */
  #indexAt(at: number): number {
    let low = 0;
    let high = this.#starts.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.#starts[middle]! <= at) low = middle;
      else high = middle;
    }
    return low;
  }

  #requireInside(from: number, to: number): void {
    assert(
      Number.isSafeInteger(from) && Number.isSafeInteger(to) && 0 <= from && from <= to && to <= this.length,
      `[${from}, ${to}) lies inside the ${this.length} bytes`,
    );
  }
}
