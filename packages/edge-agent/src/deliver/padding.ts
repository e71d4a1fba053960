import { AppError } from '@gapless/shared/errors';
import type { ExtentList } from '@gapless/shared/extents';
import { ExtentSource } from '@gapless/shared/extents';
import { locatedBoxes, WindowedSource } from '@gapless/shared/isobmff';
import { reducedArtifact } from '../reduce/index.js';

/** A file without its padding, if it is an MP4 that has any and is proven to stay whole; else as it is. */
export async function withoutPadding(
  whole: ExtentList,
  signal: AbortSignal,
): Promise<{ readonly content: ExtentList; readonly savedBytes: number }> {
  // Fragmented files are written by programs that reserve nothing, and are read by others by their offsets.
  if (!(await isPlainMp4(whole))) return { content: whole, savedBytes: 0 };
  const { artifact, savedBytes } = await reducedArtifact(whole, signal);
  return { content: artifact, savedBytes };
}

/** Whether a file is an MP4 with one movie box and without fragments; told from the headers of its boxes. */
async function isPlainMp4(whole: ExtentList): Promise<boolean> {
  await using bytes = new ExtentSource(whole);
  const source = new WindowedSource(bytes);
  let hasMovie = false;
  try {
    for await (const box of locatedBoxes(source, { from: 0, to: whole.length, isFile: true })) {
      if (box.type === 'moof') return false;
      if (box.type !== 'moov') continue;
      hasMovie = true;
      const inside = { from: box.offset + box.headerBytes, to: box.end, isFile: false };
      for await (const child of locatedBoxes(source, inside)) if (child.type === 'mvex') return false;
    }
    return hasMovie;
  } catch (thrown) {
    // No video file, or a damaged one: it is carried as it is.
    if (thrown instanceof AppError && thrown.code.startsWith('MP4_')) return false;
    throw thrown;
  }
}
