import type { Box } from '@gapless/shared/isobmff';
import { Fields, mp4Invalid } from '@gapless/shared/isobmff';
import type { Move } from './move.js';
import { bodyOffset } from './move.js';

/**
 * Moves the offsets of fragments in `tfra` (section 8.8.10).
 *
 * @param fragments where every `moof` begins
 * @throws MP4_INVALID for an offset at which there is no `moof`
 */
export function relocateRandomAccess(move: Move, tfra: Box, fragments: ReadonlySet<number>): void {
  const fields = new Fields(tfra);
  const { version } = fields.versionAndFlags();
  fields.skip(4); // track
  const widths = fields.u32();
  const numberBytes = 3 + ((widths >> 4) & 3) + ((widths >> 2) & 3) + (widths & 3);
  const width = version === 1 ? 8 : 4;
  for (let left = fields.u32(); left > 0; left--) {
    fields.skip(width); // time
    const at = bodyOffset(tfra) + fields.position;
    const from = width === 8 ? fields.u64() : fields.u32();
    if (!fragments.has(from)) throw mp4Invalid('tfra', tfra.at, `names a fragment at ${from}, where none is`);
    move.number(tfra, at, { from, to: move.boundary(tfra, from), width });
    fields.skip(numberBytes);
  }
}

/** `mfro` repeats the length of the `mfra` that it ends, so that `mfra` is found from the end of the file (section 8.8.11). */
export function relocateRandomAccessSize(
  move: Move,
  mfro: Box,
  mfra: { readonly sizeBytes: number; readonly removedBytes: number },
): void {
  const fields = new Fields(mfro);
  fields.versionAndFlags();
  const at = bodyOffset(mfro) + fields.position;
  const from = fields.u32();
  if (from !== mfra.sizeBytes)
    throw mp4Invalid('mfro', mfro.at, `says that mfra has ${from} bytes, but it has ${mfra.sizeBytes}`);
  move.number(mfro, at, { from, to: from - mfra.removedBytes, width: 4 });
}

/**
 * Shortens the stretches that a `sidx` divides what follows it into (section 8.16.3).
 *
 * @throws MP4_INVALID when a stretch ends within padding or beyond the file
 */
export function relocateSegmentIndex(move: Move, sidx: Box): void {
  const fields = new Fields(sidx);
  const { version } = fields.versionAndFlags();
  fields.skip(8); // reference, timescale
  fields.skip(version === 0 ? 4 : 8); // earliest presentation time
  const width = version === 0 ? 4 : 8;
  const firstAt = bodyOffset(sidx) + fields.position;
  const first = version === 0 ? fields.u32() : fields.u64();
  const end = sidx.at + sidx.bytes.length;
  let from = end + first;
  let to = move.boundary(sidx, from);
  move.number(sidx, firstAt, { from: first, to: to - move.boundary(sidx, end), width });
  fields.skip(2); // reserved
  for (let left = fields.u16(); left > 0; left--) {
    const at = bodyOffset(sidx) + fields.position;
    const word = fields.u32();
    const isIndex = word >= 2 ** 31 ? 2 ** 31 : 0;
    const nextFrom = from + word - isIndex;
    const nextTo = move.boundary(sidx, nextFrom);
    move.number(sidx, at, { from: word, to: isIndex + nextTo - to, width: 4 });
    from = nextFrom;
    to = nextTo;
    fields.skip(8); // duration, stream access points
  }
}
