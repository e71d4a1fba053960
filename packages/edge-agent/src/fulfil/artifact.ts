import { createHash } from 'node:crypto';
import type { ExtentList } from '@gapless/shared/extents';
import type { Manifest } from '@gapless/shared/protocol';
import { BLOCK_BYTES } from '@gapless/shared/protocol';

/**
 * Reads an artifact once to say what it is: its length, its hash and that of every block.
 *
 * @throws EXTENT_SHORT when a file is shorter than the index says, STORAGE_* when it cannot be read
 */
export async function describeArtifact(artifact: ExtentList, signal: AbortSignal): Promise<Manifest> {
  const whole = createHash('sha256');
  const blocks: string[] = [];
  let block = createHash('sha256');
  let inBlock = 0;
  for await (const chunk of artifact.stream(0, artifact.length, { signal, reuse: true })) {
    whole.update(chunk);
    for (let at = 0; at < chunk.length;) {
      const take = Math.min(BLOCK_BYTES - inBlock, chunk.length - at);
      block.update(chunk.subarray(at, at + take));
      inBlock += take;
      at += take;
      if (inBlock < BLOCK_BYTES) continue;
      blocks.push(block.digest('hex'));
      block = createHash('sha256');
      inBlock = 0;
    }
  }
  if (inBlock > 0) blocks.push(block.digest('hex'));
  return { v: 1, sizeBytes: artifact.length, sha256: whole.digest('hex'), blockBytes: BLOCK_BYTES, blocks };
}
