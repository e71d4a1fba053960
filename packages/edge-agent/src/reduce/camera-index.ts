import type { Box, ByteSource, LocatedBox } from '@gapless/shared/isobmff';
import { Fields, mp4Invalid, readLocatedBox, WindowedSource } from '@gapless/shared/isobmff';
import type { Move } from './move.js';
import { bodyOffset } from './move.js';

/** A block of camera data: a whole `free` box, as its index names it. */
export interface CameraBlock {
  readonly offset: number;
  readonly sizeBytes: number;
  /** Where the index says so, in the file. */
  readonly entryAt: number;
}

/** Hours of one block a second. */
const MAX_INDEX_BYTES = 2 ** 22;

/**
 * Reads the index that cameras with a chip of Novatek's kind keep as `gps ` in `moov`: eight bytes of version and count,
 * then offset and length of each block, 32 bits each. Entries of zeros have not been used.
 */
export async function readCameraIndex(source: ByteSource, box: LocatedBox): Promise<CameraBlock[]> {
  return blocksOf(await readLocatedBox(new WindowedSource(source), box, MAX_INDEX_BYTES));
}

function blocksOf(index: Box): CameraBlock[] {
  const fields = new Fields(index);
  fields.skip(8); // version, count
  const blocks: CameraBlock[] = [];
  while (fields.remaining >= 8) {
    const entryAt = bodyOffset(index) + fields.position;
    const [offset, sizeBytes] = [fields.u32(), fields.u32()];
    if (offset > 0 && sizeBytes > 0) blocks.push({ offset, sizeBytes, entryAt });
  }
  return blocks;
}

/**
 * Moves the entries of that index.
 *
 * @param kept the boxes of camera data that are kept
 * @throws MP4_INVALID for a block that lies neither in one of them nor among the samples
 */
export function relocateCameraBlocks(
  move: Move,
  index: LocatedBox,
  { blocks, kept }: { readonly blocks: readonly CameraBlock[]; readonly kept: readonly LocatedBox[] },
): void {
  const keptAt = new Map(kept.map((box) => [box.offset, box]));
  for (const { offset, sizeBytes, entryAt } of blocks) {
    const to = offset + sizeBytes;
    const box = keptAt.get(offset);
    if (!(box ? to <= box.end : move.isMedia(offset, to)))
      throw mp4Invalid(index.type, index.offset, `names camera data at ${offset}, where there are none`);
    move.number(index, entryAt, { from: offset, to: move.data(index, offset, sizeBytes), width: 4 });
  }
}
