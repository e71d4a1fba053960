import type { LocatedBox } from '@gapless/shared/isobmff';
import { locatedBoxes, mp4Invalid, readLocatedBox, WindowedSource } from '@gapless/shared/isobmff';
import { relocateAuxiliary } from './auxiliary.js';
import { ChunkLengths, fieldsOf } from './chunk-lengths.js';
import type { Move } from './move.js';
import { bodyStart } from './move.js';
import { TableCursor } from './table-cursor.js';

const UNIQUE = new Set(['stco', 'co64', 'stsz', 'stz2', 'stsc']);

/** Auxiliary information is a byte or some dozens a sample. */
const MAX_AUXILIARY_BYTES = 2 ** 24;

/**
 * Moves the chunks of a track: every one of them must lie in one `mdat` from its first sample to its last.
 *
 * @throws MP4_INVALID when that is not so, or when the tables of the track contradict each other
 */
export async function relocateSampleTables(move: Move, stbl: LocatedBox): Promise<void> {
  const tables = new Map<string, LocatedBox>();
  const auxiliary: LocatedBox[] = [];
  const place = { from: bodyStart(stbl), to: stbl.end, isFile: false };
  for await (const box of locatedBoxes(new WindowedSource(move.source), place)) {
    if (box.type === 'saio' || box.type === 'saiz') auxiliary.push(box);
    if (UNIQUE.has(box.type) && tables.has(box.type))
      throw mp4Invalid(box.type, box.offset, 'is there twice for one track');
    tables.set(box.type, box);
  }
  const [offsets, second] = both(tables, 'stco', 'co64');
  const [sizes, otherSizes] = both(tables, 'stsz', 'stz2');
  if (second ?? otherSizes) throw mp4Invalid('stbl', stbl.offset, 'has two tables where one is due');
  if (offsets) await relocateChunks(move, offsets, { sizes, samplesPerChunk: tables.get('stsc') });
  if (auxiliary.some(({ type }) => type === 'saio')) await relocateAll(move, auxiliary);
}

function both(
  tables: ReadonlyMap<string, LocatedBox>,
  ...types: [string, string]
): (LocatedBox | undefined)[] {
  const found = types.flatMap((type) => tables.get(type) ?? []);
  return [found[0], found[1]];
}

async function relocateAll(move: Move, boxes: readonly LocatedBox[]): Promise<void> {
  const source = new WindowedSource(move.source);
  const read = await Promise.all(boxes.map((box) => readLocatedBox(source, box, MAX_AUXILIARY_BYTES)));
  // Outside of fragments, offsets count from the start of the file.
  relocateAuxiliary(move, read, { from: 0, to: 0 });
}

interface LengthTables {
  readonly sizes: LocatedBox | undefined;
  readonly samplesPerChunk: LocatedBox | undefined;
}

async function relocateChunks(move: Move, box: LocatedBox, lengthTables: LengthTables): Promise<void> {
  const { sizes, samplesPerChunk } = lengthTables;
  const { source } = move;
  const count = (await fieldsOf(source, box, 8)).getUint32(4);
  if (!sizes || !samplesPerChunk) {
    if (count === 0) return;
    throw mp4Invalid(box.type, box.offset, 'names chunks, but nothing says how long they are');
  }
  const entryBytes = box.type === 'co64' ? 8 : 4;
  const cursor = new TableCursor(source, box, { firstAt: 8, count, entryBytes });
  const lengths = await ChunkLengths.open(source, { sizes, samplesPerChunk });
  while (cursor.left > 0) {
    move.signal.throwIfAborted();
    await cursor.fill();
    const patch = new DataView(new ArrayBuffer(cursor.windowEntries * entryBytes));
    let changed = false;
    for (let at = 0; cursor.ready; at += entryBytes) {
      const from = cursor.take();
      const to = move.media(box, from, await lengths.next());
      changed ||= to !== from;
      if (entryBytes === 4) patch.setUint32(at, to);
      else patch.setBigUint64(at, BigInt(to));
    }
    if (changed) move.bytes(cursor.windowOffset, new Uint8Array(patch.buffer));
  }
  lengths.requireEnd();
}
