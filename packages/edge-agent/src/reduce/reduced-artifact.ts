import { AppError } from '@gapless/shared/errors';
import { ExtentList, ExtentSource } from '@gapless/shared/extents';
import type { ReducePlan } from './reduce-plan.js';
import { planReduction } from './reduce-plan.js';

/** A reduced file as an artifact: nothing has been written, length and bytes are fixed, any offset can be read. */
export interface ReducedArtifact {
  readonly artifact: ExtentList;
  readonly savedBytes: number;
  /** Why the artifact is the source as it is. */
  readonly refused: AppError | undefined;
}

/**
 * What to upload in place of `source`: the same without its padding, where it is an MP4 file that is proven to stay whole,
 * else `source` itself.
 *
 * @throws EXTENT_SHORT when a file is gone or shorter than its extents say, STORAGE_* when it cannot be read
 */
export async function reducedArtifact(source: ExtentList, signal: AbortSignal): Promise<ReducedArtifact> {
  try {
    const { artifact, savedBytes } = await reduce(source, signal);
    return { artifact, savedBytes, refused: undefined };
  } catch (thrown) {
    if (!(thrown instanceof AppError) || thrown.code !== 'REDUCE_REFUSED') throw thrown;
    return { artifact: source, savedBytes: 0, refused: thrown };
  }
}

/** A reduced file with what was found in it. */
export interface Reduction extends Omit<ReducePlan, 'pieces'> {
  readonly artifact: ExtentList;
}

/**
 * The source without its padding.
 *
 * @throws REDUCE_REFUSED when it cannot be proven that the file stays whole; else as {@link reducedArtifact}
 */
export async function reduce(source: ExtentList, signal: AbortSignal): Promise<Reduction> {
  const { pieces, ...found } = await plan(source, signal);
  const extents = pieces.flatMap((piece) =>
    piece.kind === 'bytes' ? [piece] : source.slice(piece.from, piece.to).extents,
  );
  return { artifact: new ExtentList(extents), ...found };
}

async function plan(source: ExtentList, signal: AbortSignal): Promise<ReducePlan> {
  await using bytes = new ExtentSource(source);
  try {
    return await planReduction(bytes, signal);
  } catch (thrown) {
    if (!(thrown instanceof AppError) || !thrown.code.startsWith('MP4_')) throw thrown;
    throw new AppError('REDUCE_REFUSED', `the file is not reduced: ${thrown.message}`, {
      hint: 'Use the file as it is: nothing was changed, and padding does no harm.',
      details: thrown.details,
      cause: thrown,
    });
  }
}
