import { AppError } from '../errors/index.js';

/** Bound on one picture: far above one of 8K at the best quality. */
const MAX_JPEG_BYTES = 64 * 2 ** 20;

/** Second bytes of markers, ITU-T T.81 table B.1. */
const SOI = 0xd8;
const EOI = 0xd9;
const SOS = 0xda;
const FIRST_RESTART = 0xd0;
const LAST_RESTART = 0xd7;

/**
 * Tells JPEG pictures apart that come one after the other, by their own marks: there is nothing between them, and a
 * picture is handed over with its last byte, not with the first of the next.
 */
export class JpegStream {
  #bytes: Uint8Array = new Uint8Array(0);
  /** Everything before this has been looked at. */
  #at = 0;
  /** Inside the coded data, where no lengths tell what follows. */
  #inScan = false;

  /**
   * Takes bytes as they come.
   *
   * @returns the pictures that are whole with them
   * @throws SNAPSHOT_FAILED for what is no JPEG, or has no end
   */
  push(chunk: Uint8Array): Uint8Array[] {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    const pictures: Uint8Array[] = [];
    for (let end = this.#findEnd(); end !== undefined; end = this.#findEnd()) {
      pictures.push(this.#bytes.subarray(0, end));
      this.#bytes = this.#bytes.subarray(end);
      this.#at = 0;
    }
    if (this.#bytes.length > MAX_JPEG_BYTES)
      throw new AppError('SNAPSHOT_FAILED', `a picture has more than ${MAX_JPEG_BYTES} bytes`);
    return pictures;
  }

  /** Where the first picture ends; `undefined` while it goes on. */
  #findEnd(): number | undefined {
    for (;;) {
      if (this.#inScan && !this.#skipScan()) return undefined;
      const marker = this.#bytes[this.#at + 1];
      if (marker === undefined) return undefined;
      if (this.#bytes[this.#at] !== 0xff)
        throw new AppError('SNAPSHOT_FAILED', 'the decoder wrote something else than JPEG');
      this.#at += 2;
      if (marker === EOI) return this.#at;
      if (marker === SOI) continue;
      const [high, low] = this.#bytes.subarray(this.#at, this.#at + 2);
      if (high === undefined || low === undefined) {
        this.#at -= 2;
        return undefined;
      }
      this.#at += high * 256 + low;
      this.#inScan = marker === SOS;
    }
  }

  /** Moves to the marker behind the coded data; whether that has come yet. */
  #skipScan(): boolean {
    for (;;) {
      const at = this.#bytes.indexOf(0xff, this.#at);
      const next = at < 0 ? undefined : this.#bytes[at + 1];
      if (next === undefined) {
        this.#at = Math.max(this.#at, at < 0 ? this.#bytes.length : at);
        return false;
      }
      const isData = next === 0 || (next >= FIRST_RESTART && next <= LAST_RESTART);
      if (!isData && next !== 0xff) {
        this.#at = at;
        this.#inScan = false;
        return true;
      }
      this.#at = next === 0xff ? at + 1 : at + 2;
    }
  }
}

/** Width and height in pixels, as the frame header says (ITU-T T.81 section B.2.2). */
export function jpegSize(jpeg: Uint8Array): { readonly width: number; readonly height: number } {
  for (let at = 2; at + 9 < jpeg.length && jpeg[at] === 0xff;) {
    const marker = jpeg[at + 1]!;
    const u16 = (offset: number): number => jpeg[offset]! * 256 + jpeg[offset + 1]!;
    // SOF0 to SOF15, but for DHT, JPG and DAC, which lie between them.
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return { height: u16(at + 5), width: u16(at + 7) };
    at += 2 + u16(at + 2);
  }
  throw new AppError('SNAPSHOT_FAILED', 'the picture does not say how large it is');
}
