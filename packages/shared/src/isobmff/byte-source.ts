import type { BoxHeader } from './box.js';
import { MAX_HEADER_BYTES, readBoxHeader } from './box.js';

/** Random access to a file, handed in. */
export interface ByteSource {
  readonly sizeBytes: number;
  /** The bytes from `offset` on: `length` of them, or fewer where the file ends. The buffer is not used again. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/**
 * Reads ahead a little, so that the header, the `moof` and the header behind it come with one read. Holds one window,
 * never the file.
 */
export class WindowedSource {
  readonly #source: ByteSource;
  readonly #windowBytes: number;
  #start = 0;
  #window: Uint8Array = new Uint8Array(0);

  constructor(source: ByteSource, windowBytes = 8192) {
    this.#source = source;
    this.#windowBytes = windowBytes;
  }

  get sizeBytes(): number {
    return this.#source.sizeBytes;
  }

  /** `length` bytes at `offset`, fewer where the file ends. */
  async read(offset: number, length: number): Promise<Uint8Array> {
    const wanted = Math.max(0, Math.min(length, this.sizeBytes - offset));
    const inside = offset - this.#start;
    if (inside < 0 || inside + wanted > this.#window.length) {
      const ahead = Math.max(wanted, Math.min(this.#windowBytes, this.sizeBytes - offset));
      this.#window = wanted === 0 ? new Uint8Array(0) : await this.#source.read(offset, ahead);
      this.#start = offset;
    }
    const from = offset - this.#start;
    return this.#window.subarray(from, from + wanted);
  }

  /** The box header at `offset`; `undefined` where the file ends before or within it. */
  async header(offset: number): Promise<BoxHeader | undefined> {
    return readBoxHeader(await this.read(offset, MAX_HEADER_BYTES), offset);
  }
}

/** A file that lies in memory. */
export function memorySource(bytes: Uint8Array): ByteSource {
  return {
    sizeBytes: bytes.length,
    read: async (offset, length) => bytes.subarray(offset, offset + length),
  };
}
