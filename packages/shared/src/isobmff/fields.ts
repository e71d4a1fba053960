import type { Box } from './box.js';
import { mp4Invalid } from './mp4-error.js';

/**
 * Reads the fields of a box one after the other, big-endian. Every read is checked against the end of the box and
 * throws MP4_INVALID beyond it.
 */
export class Fields {
  readonly #box: Box;
  readonly #view: DataView;
  #next = 0;

  constructor(box: Box) {
    this.#box = box;
    this.#view = new DataView(box.body.buffer, box.body.byteOffset, box.body.byteLength);
  }

  /** Bytes not yet read. */
  get remaining(): number {
    return this.#view.byteLength - this.#next;
  }

  /** Bytes read so far; the first child of a box with fields begins here. */
  get position(): number {
    return this.#next;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2));
  }

  i16(): number {
    return this.#view.getInt16(this.#take(2));
  }

  u24(): number {
    const at = this.#take(3);
    return this.#view.getUint16(at) * 256 + this.#view.getUint8(at + 2);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  i32(): number {
    return this.#view.getInt32(this.#take(4));
  }

  /** A 64-bit number; throws MP4_INVALID for one that a double cannot hold exactly. */
  u64(): number {
    return this.#safe(this.#view.getBigUint64(this.#take(8)));
  }

  i64(): number {
    return this.#safe(this.#view.getBigInt64(this.#take(8)));
  }

  /** A view of the next `count` bytes. */
  bytes(count: number): Uint8Array {
    const at = this.#take(count);
    return this.#box.body.subarray(at, at + count);
  }

  skip(count: number): void {
    this.#take(count);
  }

  /** The version and flags that begin a full box (section 4.2). */
  versionAndFlags(): { version: number; flags: number } {
    return { version: this.u8(), flags: this.u24() };
  }

  #take(count: number): number {
    const at = this.#next;
    if (count > this.remaining) throw mp4Invalid(this.#box.type, this.#box.at, 'ends inside its fields');
    this.#next += count;
    return at;
  }

  #safe(value: bigint): number {
    const number = Number(value);
    if (!Number.isSafeInteger(number))
      throw mp4Invalid(this.#box.type, this.#box.at, `holds the number ${value}, beyond 2^53`);
    return number;
  }
}
