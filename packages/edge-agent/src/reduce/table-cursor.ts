import type { ByteSource, LocatedBox } from '@gapless/shared/isobmff';
import { mp4Invalid } from '@gapless/shared/isobmff';
import { bodyStart } from './move.js';

/** Entries at a time; what a cursor holds in memory, whatever the length of its table. */
const WINDOW_ENTRIES = 8192;

interface TableShape {
  /** Where the first entry stands, from the start of the body. */
  readonly firstAt: number;
  readonly count: number;
  readonly entryBytes: number;
}

/**
 * Reads a table of numbers from its first entry to its last, a window at a time. Ask {@link ready} before each entry and
 * {@link fill} when it says no: awaiting every single one of a hundred thousand entries would cost more than reading them.
 */
export class TableCursor {
  /** Entries that have not been read. */
  left: number;
  readonly #source: ByteSource;
  readonly #entryBytes: number;
  #window: DataView = new DataView(new ArrayBuffer(0));
  #at = 0;
  #next: number;

  /** @throws MP4_INVALID when the box is too short for its entries */
  constructor(source: ByteSource, box: LocatedBox, { firstAt, count, entryBytes }: TableShape) {
    if (bodyStart(box) + firstAt + count * entryBytes > box.end)
      throw mp4Invalid(box.type, box.offset, `is too short for ${count} entries`);
    this.#source = source;
    this.#entryBytes = entryBytes;
    this.#next = bodyStart(box) + firstAt;
    this.left = count;
  }

  /** Whether the next entry is at hand. */
  get ready(): boolean {
    return this.#at < this.#window.byteLength;
  }

  /** Where the entries at hand stand in the file. */
  get windowOffset(): number {
    return this.#next - this.#window.byteLength;
  }

  /** How many entries were read at once the last time. */
  get windowEntries(): number {
    return this.#window.byteLength / this.#entryBytes;
  }

  /** Reads the next entries, of which there must be some left. */
  async fill(): Promise<void> {
    const length = Math.min(this.left, WINDOW_ENTRIES) * this.#entryBytes;
    const bytes = await this.#source.read(this.#next, length);
    if (bytes.length < length || length === 0) throw mp4Invalid('table', this.#next, 'is cut off');
    this.#window = new DataView(bytes.buffer, bytes.byteOffset, length);
    this.#at = 0;
    this.#next += length;
  }

  /** The number that is the next entry; throws MP4_INVALID for one that a double cannot hold. */
  take(): number {
    const at = this.#at;
    this.#at += this.#entryBytes;
    this.left--;
    switch (this.#entryBytes) {
      case 1:
        return this.#window.getUint8(at);
      case 2:
        return this.#window.getUint16(at);
      case 4:
        return this.#window.getUint32(at);
      default:
        return this.#wide(at);
    }
  }

  /** The next entry as its 32-bit words. */
  words(): number[] {
    const at = this.#at;
    this.#at += this.#entryBytes;
    this.left--;
    return Array.from({ length: this.#entryBytes / 4 }, (_, i) => this.#window.getUint32(at + 4 * i));
  }

  #wide(at: number): number {
    const value = this.#window.getUint32(at) * 2 ** 32 + this.#window.getUint32(at + 4);
    if (!Number.isSafeInteger(value))
      throw mp4Invalid('table', this.windowOffset, 'has a number beyond 2^53');
    return value;
  }
}
