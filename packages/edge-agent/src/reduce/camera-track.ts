import type { ExtentList } from '@gapless/shared/extents';
import { ExtentSource } from '@gapless/shared/extents';
import type { Position } from './camera-position.js';
import { parsePosition } from './camera-position.js';
import type { Reduction } from './reduced-artifact.js';

/** A block is some hundred bytes; some firmwares fill up to a megabyte, with the position at the start. */
const MAX_BLOCK_BYTES = 2 ** 14;

/** What a camera noted of its way. */
export interface CameraTrack {
  readonly positions: readonly Position[];
  /** Blocks of camera data, those without a fix or in a notation that is not known included. */
  readonly blocks: number;
}

/**
 * Reads the positions in a file: by the camera's index, or where it has none, from all boxes that look like it.
 *
 * @param source the file that `reduction` was made of
 */
export async function readCameraTrack(
  source: ExtentList,
  { cameraBlocks, cameraBoxes }: Pick<Reduction, 'cameraBlocks' | 'cameraBoxes'>,
  signal: AbortSignal,
): Promise<CameraTrack> {
  const boxes = cameraBoxes.map(({ offset, end }) => ({ offset, sizeBytes: end - offset }));
  const blocks = cameraBlocks.length > 0 ? cameraBlocks : boxes;
  await using bytes = new ExtentSource(source);
  const positions: Position[] = [];
  for (const { offset, sizeBytes } of blocks) {
    signal.throwIfAborted();
    const position = parsePosition(await bytes.read(offset, Math.min(sizeBytes, MAX_BLOCK_BYTES)));
    if (position) positions.push(position);
  }
  return { positions, blocks: blocks.length };
}
