import { AppError } from '../errors/index.js';
import type { Box, BoxHeader } from './box.js';
import { MAX_HEADER_BYTES, readBoxHeader, topLevelBoxes } from './box.js';
import { ByteQueue } from './byte-queue.js';
import { mp4Invalid, mp4TooLarge } from './mp4-error.js';
import { sequenceNumber } from './movie-fragment.js';

/** The init segment, `ftyp` and `moov`; always the first piece. */
export interface InitPiece {
  readonly kind: 'init';
  readonly bytes: Uint8Array;
}

/** One fragment, `moof` and `mdat`. */
export interface FragmentPiece {
  readonly kind: 'fragment';
  /** `sequence_number` of the `moof`: one more than that of the fragment before it. */
  readonly number: number;
  /** Length of the `moof`; the `mdat` begins there in `bytes`. */
  readonly moofLength: number;
  readonly bytes: Uint8Array;
}

export type Piece = InitPiece | FragmentPiece;

export interface SplitterLimits {
  readonly maxInitBytes?: number;
  readonly maxFragmentBytes?: number;
}

/** Boxes that may stand between pieces and say nothing that a segment needs to keep. */
const SKIPPED = new Set(['free', 'skip', 'wide', 'sidx', 'ssix', 'styp', 'prft', 'emsg', 'mfra', 'uuid']);

/**
 * Cuts a fragmented MP4 stream into its init segment and its fragments as the bytes come, whatever the sizes of the
 * chunks. Each byte of a fragment is copied once, and nothing beyond the limits is ever held.
 *
 * After an error the splitter is of no further use: a stream is not trusted again once its structure is lost.
 */
export class FragmentSplitter {
  readonly #maxInitBytes: number;
  readonly #maxFragmentBytes: number;
  readonly #queue = new ByteQueue();
  #fileType: Uint8Array | undefined;
  #initialised = false;
  #lastNumber: number | undefined;
  /** Bytes of a skipped box that have not come yet. */
  #toSkip = 0;

  constructor({ maxInitBytes = 2 ** 20, maxFragmentBytes = 32 * 2 ** 20 }: SplitterLimits = {}) {
    this.#maxInitBytes = maxInitBytes;
    this.#maxFragmentBytes = maxFragmentBytes;
  }

  /** Bytes held for a piece that is not complete; when the stream has ended, they are what was cut off. */
  get pendingBytes(): number {
    return this.#queue.length;
  }

  /**
   * Takes the next chunk and yields the pieces that it completes. `chunk` must not be changed afterwards.
   *
   * @throws MP4_INVALID for garbage, a box out of order or a fragment that is not numbered one more than the last;
   *   MP4_TOO_LARGE beyond the limits; MP4_RESTARTED where a second init segment begins. Pieces that were complete
   *   before the fault are yielded first.
   */
  *push(chunk: Uint8Array): Generator<Piece, void, undefined> {
    this.#queue.push(chunk);
    for (;;) {
      this.#toSkip -= this.#queue.drop(this.#toSkip);
      if (this.#toSkip > 0) return;
      const header = this.#headerAt(0);
      if (!header) return;
      if (SKIPPED.has(header.type)) {
        this.#toSkip = this.#sizeOf(header, 0, this.#maxFragmentBytes);
        continue;
      }
      const before = this.#queue.position;
      const piece = this.#initialised ? this.#fragment(header) : this.#init(header);
      if (piece) yield piece;
      if (this.#queue.position === before) return;
    }
  }

  /** Takes `ftyp` or `moov` from the queue if it is all there; the init segment is complete with the `moov`. */
  #init(header: BoxHeader): InitPiece | undefined {
    const expected = this.#fileType ? 'moov' : 'ftyp';
    if (header.type !== expected)
      throw mp4Invalid(header.type, this.#queue.position, `stands where ${expected} must be`);
    const heldBytes = this.#fileType?.length ?? 0;
    const sizeBytes = this.#sizeOf(header, 0, this.#maxInitBytes - heldBytes);
    if (this.#queue.length < sizeBytes) return undefined;
    if (!this.#fileType) {
      this.#fileType = this.#queue.take(sizeBytes);
      return undefined;
    }
    const bytes = new Uint8Array(heldBytes + sizeBytes);
    bytes.set(this.#fileType);
    bytes.set(this.#queue.take(sizeBytes), heldBytes);
    this.#initialised = true;
    return { kind: 'init', bytes };
  }

  /** Takes a `moof` with its `mdat` from the queue if both are all there. */
  #fragment(header: BoxHeader): FragmentPiece | undefined {
    const at = this.#queue.position;
    if (header.type === 'ftyp' || header.type === 'moov')
      throw new AppError('MP4_RESTARTED', `a second init segment begins at byte ${at} of the stream`);
    if (header.type !== 'moof') throw mp4Invalid(header.type, at, 'stands where moof must be');
    const moofLength = this.#sizeOf(header, 0, this.#maxFragmentBytes);
    const media = this.#headerAt(moofLength);
    if (!media) return undefined;
    // Data offsets count from the moof, so nothing may stand between the two.
    if (media.type !== 'mdat') throw mp4Invalid(media.type, at + moofLength, 'stands where mdat must be');
    const sizeBytes = moofLength + this.#sizeOf(media, moofLength, this.#maxFragmentBytes - moofLength);
    if (this.#queue.length < sizeBytes) return undefined;
    const bytes = this.#queue.take(sizeBytes);
    const number = sequenceNumber(moofOf(bytes.subarray(0, moofLength), at));
    if (this.#lastNumber !== undefined && number !== this.#lastNumber + 1)
      throw mp4Invalid('moof', at, `has number ${number} after ${this.#lastNumber}`);
    this.#lastNumber = number;
    return { kind: 'fragment', number, moofLength, bytes };
  }

  #headerAt(offset: number): BoxHeader | undefined {
    return readBoxHeader(this.#queue.peek(offset, MAX_HEADER_BYTES), this.#queue.position + offset);
  }

  #sizeOf({ type, sizeBytes }: BoxHeader, offset: number, maxBytes: number): number {
    const at = this.#queue.position + offset;
    if (sizeBytes === undefined) throw mp4Invalid(type, at, 'has no size, which a stream cannot have');
    if (sizeBytes > maxBytes)
      throw mp4TooLarge(type, at, `has ${sizeBytes} bytes where ${maxBytes} are accepted`);
    return sizeBytes;
  }
}

function moofOf(bytes: Uint8Array, at: number): Box {
  for (const box of topLevelBoxes(bytes, at)) return box;
  throw mp4Invalid('moof', at, 'is empty');
}
