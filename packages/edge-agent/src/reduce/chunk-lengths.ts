import type { ByteSource, LocatedBox } from '@gapless/shared/isobmff';
import { mp4Invalid, mp4Unsupported } from '@gapless/shared/isobmff';
import { bodyStart } from './move.js';
import { TableCursor } from './table-cursor.js';

/** The boxes of an `stbl` that say how long each chunk is. */
export interface ChunkTables {
  readonly sizes: LocatedBox;
  readonly samplesPerChunk: LocatedBox;
}

/** Length in bytes of one chunk after another: from `stsc` how many samples it has, from `stsz` or `stz2` how long they are. */
export class ChunkLengths {
  readonly #sizes: SampleSizes;
  readonly #counts: SampleCounts;

  private constructor(sizes: SampleSizes, counts: SampleCounts) {
    this.#sizes = sizes;
    this.#counts = counts;
  }

  static async open(source: ByteSource, tables: ChunkTables): Promise<ChunkLengths> {
    return new ChunkLengths(
      await SampleSizes.open(source, tables.sizes),
      await SampleCounts.open(source, tables.samplesPerChunk),
    );
  }

  /** @throws MP4_INVALID when the tables know of no such chunk */
  async next(): Promise<number> {
    return this.#sizes.sum(await this.#counts.next());
  }

  /** @throws MP4_INVALID when there are samples that are in no chunk */
  requireEnd(): void {
    this.#sizes.requireEnd();
  }
}

class SampleSizes {
  readonly #box: LocatedBox;
  readonly #constantBytes: number;
  readonly #cursor: TableCursor | undefined;
  #left: number;

  private constructor(
    box: LocatedBox,
    fields: readonly [constantBytes: number, count: number],
    cursor?: TableCursor,
  ) {
    this.#box = box;
    [this.#constantBytes, this.#left] = fields;
    this.#cursor = cursor;
  }

  static async open(source: ByteSource, box: LocatedBox): Promise<SampleSizes> {
    const view = await fieldsOf(source, box, 12);
    const count = view.getUint32(8);
    const constantBytes = box.type === 'stsz' ? view.getUint32(4) : 0;
    if (constantBytes > 0) return new SampleSizes(box, [constantBytes, count]);
    const bits = box.type === 'stsz' ? 32 : view.getUint8(7);
    if (![8, 16, 32].includes(bits)) throw mp4Unsupported(box.type, box.offset, `has sizes of ${bits} bits`);
    return new SampleSizes(
      box,
      [0, count],
      new TableCursor(source, box, { firstAt: 12, count, entryBytes: bits / 8 }),
    );
  }

  /** Bytes of the next `count` samples. */
  async sum(count: number): Promise<number> {
    if (count > this.#left)
      throw mp4Invalid(this.#box.type, this.#box.offset, 'has fewer samples than the chunks');
    this.#left -= count;
    const cursor = this.#cursor;
    if (!cursor) return count * this.#constantBytes;
    let bytes = 0;
    for (let i = 0; i < count; i++) {
      if (!cursor.ready) await cursor.fill();
      bytes += cursor.take();
    }
    return bytes;
  }

  requireEnd(): void {
    if (this.#left > 0)
      throw mp4Invalid(this.#box.type, this.#box.offset, `has ${this.#left} samples that are in no chunk`);
  }
}

/** Runs of chunks with equally many samples (section 8.7.4). */
class SampleCounts {
  readonly #box: LocatedBox;
  readonly #cursor: TableCursor;
  #chunk = 1;
  #samples = 0;
  #following: { readonly firstChunk: number; readonly samples: number } | undefined;

  private constructor(box: LocatedBox, cursor: TableCursor) {
    this.#box = box;
    this.#cursor = cursor;
  }

  static async open(source: ByteSource, box: LocatedBox): Promise<SampleCounts> {
    const count = (await fieldsOf(source, box, 8)).getUint32(4);
    const counts = new SampleCounts(box, new TableCursor(source, box, { firstAt: 8, count, entryBytes: 12 }));
    await counts.#readAhead();
    if (counts.#following && counts.#following.firstChunk !== 1)
      throw mp4Invalid(box.type, box.offset, 'does not begin with the first chunk');
    return counts;
  }

  /** Samples in the next chunk. */
  async next(): Promise<number> {
    const chunk = this.#chunk++;
    if (this.#following?.firstChunk === chunk) {
      this.#samples = this.#following.samples;
      await this.#readAhead();
      if (this.#following.firstChunk <= chunk)
        throw mp4Invalid(this.#box.type, this.#box.offset, 'does not name the chunks in their order');
    } else if (chunk === 1) throw mp4Invalid(this.#box.type, this.#box.offset, 'says nothing of the chunks');
    return this.#samples;
  }

  async #readAhead(): Promise<void> {
    if (this.#cursor.left === 0) {
      this.#following = this.#following && { firstChunk: Infinity, samples: 0 };
      return;
    }
    if (!this.#cursor.ready) await this.#cursor.fill();
    const [firstChunk = 0, samples = 0] = this.#cursor.words();
    this.#following = { firstChunk, samples };
  }
}

/** The fixed fields at the start of the body of a full box. */
export async function fieldsOf(source: ByteSource, box: LocatedBox, lengthBytes: number): Promise<DataView> {
  const start = bodyStart(box);
  const bytes = await source.read(start, Math.min(lengthBytes, box.end - start));
  if (bytes.length < lengthBytes) throw mp4Invalid(box.type, box.offset, 'ends inside its fields');
  return new DataView(bytes.buffer, bytes.byteOffset, lengthBytes);
}
