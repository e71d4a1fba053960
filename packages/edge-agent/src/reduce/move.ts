import type { Box, ByteSource, LocatedBox } from '@gapless/shared/isobmff';
import { mp4Invalid, mp4Unsupported } from '@gapless/shared/isobmff';
import type { Patches } from './patches.js';
import { uintBytes } from './patches.js';
import type { Relocation, Span } from './relocation.js';
import { lastFrom } from './relocation.js';

/** A box that says where bytes lie. */
type Pointer = Pick<Box, 'type'> & ({ readonly at: number } | { readonly offset: number });

interface MoveFacts {
  readonly source: ByteSource;
  readonly relocation: Relocation;
  readonly patches: Patches;
  /** Bodies of the boxes with samples, in the order of the file. */
  readonly media: readonly Span[];
  readonly signal: AbortSignal;
}

/** Proves of each thing that a box points at that it stays whole, and says where it will lie. */
export class Move {
  readonly source: ByteSource;
  readonly signal: AbortSignal;
  /** What is read as something else than offsets, and therefore must not be changed. */
  readonly pinned: Span[] = [];
  readonly #relocation: Relocation;
  readonly #patches: Patches;
  readonly #media: readonly Span[];

  constructor({ source, relocation, patches, media, signal }: MoveFacts) {
    this.source = source;
    this.signal = signal;
    this.#relocation = relocation;
    this.#patches = patches;
    this.#media = media;
  }

  /** Where nothing in front of it moves; what lies further on does, or goes. */
  get firstRemoved(): number {
    return this.#relocation.removed[0]?.from ?? this.source.sizeBytes;
  }

  /** Whether `[from, to)` lies in one box of samples. */
  isMedia(from: number, to: number): boolean {
    const span = this.#media[lastFrom(this.#media, from)];
    return span !== undefined && to <= span.to;
  }

  /**
   * The new offset of samples.
   *
   * @throws MP4_INVALID when they do not lie in one `mdat`
   */
  media(pointer: Pointer, from: number, lengthBytes: number): number {
    // Nobody reads nothing, so that it does not matter where it is said to lie.
    if (lengthBytes === 0) return this.#relocation.moved(from) ?? from;
    if (this.isMedia(from, from + lengthBytes)) return this.boundary(pointer, from);
    throw mp4Invalid(
      pointer.type,
      placeOf(pointer),
      `points at ${lengthBytes} bytes at ${from}, which do not lie in one mdat`,
    );
  }

  /**
   * The new offset of other data, which will not be changed.
   *
   * @throws MP4_INVALID when they are not there or would be removed
   */
  data(pointer: Pointer, from: number, lengthBytes: number): number {
    const to = from + lengthBytes;
    if (from < 0 || to > this.source.sizeBytes || this.#relocation.touches(from, to))
      throw mp4Invalid(
        pointer.type,
        placeOf(pointer),
        `points at ${lengthBytes} bytes of padding at ${from}`,
      );
    this.pinned.push({ from, to });
    return this.boundary(pointer, from);
  }

  /**
   * The new offset of a boundary between boxes or data.
   *
   * @throws MP4_INVALID inside padding or beyond the file
   */
  boundary(pointer: Pointer, offset: number): number {
    const moved = offset >= 0 && offset <= this.source.sizeBytes ? this.#relocation.moved(offset) : undefined;
    if (moved !== undefined) return moved;
    throw mp4Invalid(pointer.type, placeOf(pointer), `points into padding or past the end, at ${offset}`);
  }

  /**
   * Notes that a number of `width` bytes changes.
   *
   * @throws MP4_UNSUPPORTED for one that does not fit
   */
  number(pointer: Pointer, at: number, change: { from: number; to: number; width: number }): void {
    const { from, to, width } = change;
    if (from === to) return;
    if (to < 0 || to >= 2 ** (8 * width))
      throw mp4Unsupported(pointer.type, placeOf(pointer), `has no room for the number ${to}`);
    this.#patches.add(at, uintBytes(to, width));
  }

  /** Notes that bytes change. */
  bytes(at: number, bytes: Uint8Array): void {
    this.#patches.add(at, bytes);
  }
}

function placeOf(pointer: Pointer): number {
  return 'at' in pointer ? pointer.at : pointer.offset;
}

/** Where the body of a box in memory lies in the file. */
export function bodyOffset(box: Box): number {
  return box.at + box.bytes.length - box.body.length;
}

/** Where the body of a located box begins. */
export function bodyStart(box: LocatedBox): number {
  return box.offset + box.headerBytes;
}
