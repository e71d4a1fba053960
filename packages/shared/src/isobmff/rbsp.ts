import { mp4Invalid } from './mp4-error.js';

/** A number read or written by Exp-Golomb coding has at most this many leading zeros here; the standards allow 32. */
const MAX_LEADING_ZEROS = 31;

/**
 * The payload of a NAL unit without the bytes that keep start codes out of it: each `00 00 03` loses its `03`
 * (Rec. ITU-T H.264 section 7.4.1.1, H.265 section 7.4.2.3).
 */
export function unescapeNal(nal: Uint8Array): Uint8Array {
  const out = new Uint8Array(nal.length);
  let length = 0;
  let zeros = 0;
  for (const byte of nal) {
    if (zeros >= 2 && byte === 3) {
      zeros = 0;
      continue;
    }
    zeros = byte === 0 ? zeros + 1 : 0;
    out[length++] = byte;
  }
  return out.subarray(0, length);
}

/** What {@link unescapeNal} took away, put back. */
export function escapeNal(payload: Uint8Array): Uint8Array {
  const out: number[] = [];
  let zeros = 0;
  for (const byte of payload) {
    if (zeros >= 2 && byte <= 3) {
      out.push(3);
      zeros = 0;
    }
    zeros = byte === 0 ? zeros + 1 : 0;
    out.push(byte);
  }
  return Uint8Array.from(out);
}

/** Reads an unescaped payload bit by bit, highest bit first. Every read beyond the end throws MP4_INVALID. */
export class BitReader {
  readonly #bytes: Uint8Array;
  #next = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Bits read so far. */
  get position(): number {
    return this.#next;
  }

  bit(): number {
    const byte = this.#bytes[this.#next >> 3];
    if (byte === undefined) throw mp4Invalid('parameter set', this.#next >> 3, 'ends inside its fields');
    return (byte >> (7 - (this.#next++ & 7))) & 1;
  }

  /** An unsigned number of `count` bits, at most 32. */
  bits(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++) value = value * 2 + this.bit();
    return value;
  }

  skip(count: number): void {
    for (let i = 0; i < count; i++) this.bit();
  }

  flag(): boolean {
    return this.bit() === 1;
  }

  /** `ue(v)`: H.264 section 9.1, H.265 section 9.2. */
  unsigned(): number {
    let zeros = 0;
    while (this.bit() === 0)
      if (++zeros > MAX_LEADING_ZEROS)
        throw mp4Invalid('parameter set', this.#next >> 3, 'holds a number beyond 2^32');
    return 2 ** zeros - 1 + this.bits(zeros);
  }

  /** `se(v)`. */
  signed(): number {
    const code = this.unsigned();
    return code % 2 === 1 ? (code + 1) / 2 : 0 - code / 2;
  }
}

/** Writes what {@link BitReader} reads. */
export class BitWriter {
  readonly #bits: number[] = [];

  bits(value: number, count: number): void {
    for (let i = count - 1; i >= 0; i--) this.#bits.push(Math.floor(value / 2 ** i) % 2);
  }

  flag(value: boolean): void {
    this.#bits.push(value ? 1 : 0);
  }

  unsigned(value: number): void {
    const length = Math.floor(Math.log2(value + 1));
    this.bits(0, length);
    this.bits(value + 1, length + 1);
  }

  /** The bits `[from, to)` of a payload, as they are. */
  copy(payload: Uint8Array, from: number, to: number): void {
    for (let at = from; at < to; at++) this.#bits.push((payload[at >> 3]! >> (7 - (at & 7))) & 1);
  }

  /** The bits so far, then a 1 and as many zeros as fill the last byte. */
  finish(): Uint8Array {
    this.flag(true);
    const out = new Uint8Array(Math.ceil(this.#bits.length / 8));
    this.#bits.forEach((bit, i) => (out[i >> 3]! |= bit << (7 - (i & 7))));
    return out;
  }
}

/** Where the content of a payload ends: the last bit that is 1 closes it. */
export function contentBits(payload: Uint8Array): number {
  let last = payload.length - 1;
  while (last >= 0 && payload[last] === 0) last--;
  if (last < 0) throw mp4Invalid('parameter set', 0, 'has no content');
  let bit = 7;
  while (((payload[last]! >> (7 - bit)) & 1) === 0) bit--;
  return last * 8 + bit;
}
