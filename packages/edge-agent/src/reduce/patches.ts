import { AppError } from '@gapless/shared/errors';
import type { Span } from './relocation.js';

/** Bytes that take the place of as many others. */
export interface Patch {
  /** In the source. */
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/**
 * Tables of offsets are what a plan must hold in memory, four bytes a chunk: this is enough for sixteen million chunks,
 * months of footage in one file.
 */
const MAX_PATCH_BYTES = 2 ** 26;

/** What is to be written differently; never longer or shorter, so that patches do not move anything themselves. */
export class Patches {
  readonly #patches: Patch[] = [];
  #bytes = 0;

  /** @throws MP4_TOO_LARGE when a plan would take too much memory */
  add(offset: number, bytes: Uint8Array): void {
    this.#bytes += bytes.length;
    if (this.#bytes > MAX_PATCH_BYTES)
      throw new AppError(
        'MP4_TOO_LARGE',
        `more than ${MAX_PATCH_BYTES / 2 ** 20} MiB of offsets would have to be held in memory`,
      );
    this.#patches.push({ offset, bytes });
  }

  /** In the order of their offsets. */
  sorted(): Patch[] {
    return [...this.#patches].sort((a, b) => a.offset - b.offset);
  }

  /** The first of `pinned` that a patch would change: somebody reads those bytes as something else than offsets. */
  clash(pinned: readonly Span[]): Span | undefined {
    const patches = this.sorted();
    return pinned.find(({ from, to }) => {
      let low = 0;
      let high = patches.length;
      while (low < high) {
        const middle = (low + high) >>> 1;
        const { offset, bytes } = patches[middle]!;
        if (offset + bytes.length <= from) low = middle + 1;
        else high = middle;
      }
      const next = patches[low];
      return next !== undefined && next.offset < to;
    });
  }
}

/** A whole number from 0 on, big-endian, in 1, 2, 4 or 8 bytes. */
export function uintBytes(value: number, width: number): Uint8Array {
  const bytes = new Uint8Array(width);
  for (let i = width - 1, rest = value; i >= 0; i--, rest = Math.floor(rest / 256)) bytes[i] = rest % 256;
  return bytes;
}
