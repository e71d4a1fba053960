import { AppError, assert } from '../errors/index.js';

/**
 * Numbers from 0 to 2^53 - 1 in as few bytes as they need: seven bits a byte, lowest first, the high bit set on all but
 * the last (unsigned LEB128).
 */
export class VarintWriter {
  readonly #bytes: number[] = [];

  unsigned(value: number): void {
    assert(Number.isSafeInteger(value) && value >= 0, `${value} can be written as a varint`);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes.push((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes.push(rest);
  }

  /** Small numbers of either sign: 0, -1, 1, -2 become 0, 1, 2, 3. */
  signed(value: number): void {
    this.unsigned(value < 0 ? -2 * value - 1 : 2 * value);
  }

  bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}

/** Reads what {@link VarintWriter} wrote; throws MP4_INVALID past the end or beyond 2^53 - 1. */
export class VarintReader {
  readonly #bytes: Uint8Array;
  #next = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get remaining(): number {
    return this.#bytes.length - this.#next;
  }

  unsigned(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.#bytes[this.#next++];
      if (byte === undefined) throw new AppError('MP4_INVALID', 'a table of fragments is cut off');
      value += (byte & 0x7f) * scale;
      if (value > Number.MAX_SAFE_INTEGER)
        throw new AppError('MP4_INVALID', 'a table of fragments holds a number beyond 2^53');
      if (byte < 0x80) return value;
    }
  }

  signed(): number {
    const value = this.unsigned();
    return value % 2 === 1 ? -(value + 1) / 2 : value / 2;
  }
}
