import { z } from 'zod';
import { BLOCK_BYTES, MAX_SEGMENT_BYTES } from './limits.js';
import { sha256Hex } from './values.js';

/**
 * What an artifact is, before its first byte travels: its length, its hash, and the hash of each block, so that after
 * a cut central can tell which prefix is sound.
 */
export const manifest = z
  .object({
    v: z.literal(1),
    sizeBytes: z.int().min(1).max(MAX_SEGMENT_BYTES),
    sha256: sha256Hex,
    blockBytes: z.literal(BLOCK_BYTES),
    /** SHA-256 of each block of `blockBytes`, the last one shorter. */
    blocks: z.array(sha256Hex).max(MAX_SEGMENT_BYTES / BLOCK_BYTES),
  })
  .refine(
    (m) => m.blocks.length === Math.ceil(m.sizeBytes / m.blockBytes),
    'block hashes do not match the size',
  );

export type Manifest = z.infer<typeof manifest>;
