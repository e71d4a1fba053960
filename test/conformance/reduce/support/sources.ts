import { readFile } from 'node:fs/promises';
import type { RecipeName } from '../../../../fixtures/media/index.js';
import { made, sourceFile } from '../../../../fixtures/media/index.js';

const ENCRYPTED = [
  ...['-encryption_scheme', 'cenc-aes-ctr', '-encryption_key', '00112233445566778899aabbccddeeff'],
  ...['-encryption_kid', '0123456789abcdef0123456789abcdef'],
];

/** Ways in which ffmpeg lays a file out, by name. */
export const layouts = {
  plain: [],
  faststart: ['-movflags', '+faststart'],
  roomForMovie: ['-moov_size', '100000'],
  quickTime: ['-f', 'mov'],
  fragmented: ['-movflags', '+frag_keyframe+empty_moov+default_base_moof'],
  absoluteOffsets: ['-movflags', '+frag_keyframe'],
  indexed: ['-movflags', '+frag_keyframe+empty_moov+default_base_moof+dash+global_sidx'],
  indexPerFragment: ['-movflags', '+frag_keyframe+dash', '-frag_duration', '1000000'],
  encrypted: ENCRYPTED,
  encryptedFragments: [...ENCRYPTED, '-movflags', '+frag_keyframe+delay_moov+default_base_moof'],
} as const satisfies Record<string, readonly string[]>;

export type Layout = keyof typeof layouts;

/** Path of a recording laid out that way. */
export async function laidOut(layout: Layout, recipe: RecipeName = 'tiny'): Promise<string> {
  return made(
    ['-i', await sourceFile(recipe), '-map', '0', '-c', 'copy', ...layouts[layout]],
    layout === 'quickTime' ? 'mov' : 'mp4',
  );
}

export async function laidOutBytes(layout: Layout, recipe: RecipeName = 'tiny'): Promise<Buffer> {
  return readFile(await laidOut(layout, recipe));
}
