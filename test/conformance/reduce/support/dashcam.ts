import { boxOf, treeOf, u32 } from './box-tree.js';
import { withAppended } from './rebuilt.js';

/** A block as cameras with a chip of Novatek's kind write it: the record stands 48 bytes from the start of the box. */
export function block(second: number, status = 'A'): Buffer {
  const record = Buffer.alloc(44);
  [14, 22, second, 26, 8, 22].forEach((value, i) => record.writeUInt32LE(value, 4 * i));
  record.write(`${status}NE`, 24, 'latin1');
  [4807.038, 1131.0, 10, 84.5].forEach((value, i) => record.writeFloatLE(value, 28 + 4 * i));
  return boxOf('free', 'GPS ', u32(0x4c), Buffer.alloc(32), record, Buffer.alloc(100, second));
}

export interface DashcamFile {
  readonly file: Buffer;
  /** Where each block begins. */
  readonly offsets: readonly number[];
}

/** A recording with blocks behind its samples and an index of them in `moov`, with one entry that has not been used. */
export function dashcamFile(plain: Buffer, blocks: readonly Buffer[]): DashcamFile {
  const moov = treeOf(plain).find(({ type }) => type === 'moov')!;
  let at = moov.at;
  const offsets = blocks.map((each) => (at += each.length) - each.length);
  const entries = blocks.map((each, i) => u32(offsets[i]!, each.length));
  const index = boxOf('gps ', u32(0x101, blocks.length), ...entries, u32(0, 0));
  const tail = withAppended(plain.subarray(moov.at), 'moov', index);
  return { file: Buffer.concat([plain.subarray(0, moov.at), ...blocks, tail]), offsets };
}
