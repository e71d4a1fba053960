import type { Box, BoxHeader } from './box.js';
import { MIN_HEADER_BYTES } from './box.js';
import type { WindowedSource } from './byte-source.js';
import { mp4Invalid, mp4TooLarge } from './mp4-error.js';

/** A box by its place in a file: nothing but its header has been read. */
export interface LocatedBox {
  readonly type: string;
  /** The user type of a `uuid` box as 32 hex digits. */
  readonly userType: string | undefined;
  readonly offset: number;
  readonly headerBytes: number;
  /** Where it ends, exclusive. */
  readonly end: number;
  /** Whether its header says that it runs to the end of the file (size 0), however long that is. */
  readonly isOpen: boolean;
}

/** Where boxes lie side by side: in a file from end to end, or in another box. */
export interface BoxPlace {
  readonly from: number;
  readonly to: number;
  /** Only in a file may the last box run to the end (size 0). */
  readonly isFile: boolean;
}

/**
 * The boxes that lie side by side in a stretch of a file, read header by header.
 *
 * @throws MP4_INVALID for a box that is cut off or reaches beyond the stretch
 */
export async function* locatedBoxes(source: WindowedSource, place: BoxPlace): AsyncGenerator<LocatedBox> {
  for (let at = place.from; at < place.to;) {
    if (await isTerminator(source, at, place)) return;
    const box = locate(await source.header(at), at, place);
    yield box;
    // At least a header's length, so this always moves on.
    at = box.end;
  }
}

/** QuickTime ends some lists of boxes with a 32-bit zero instead of nothing. */
async function isTerminator(source: WindowedSource, at: number, { to, isFile }: BoxPlace): Promise<boolean> {
  if (isFile || to - at >= MIN_HEADER_BYTES) return false;
  return (await source.read(at, to - at)).every((byte) => byte === 0);
}

function locate(header: BoxHeader | undefined, at: number, { to, isFile }: BoxPlace): LocatedBox {
  if (!header) throw mp4Invalid('box', at, 'is cut off in its header');
  const { type, userType, headerBytes, sizeBytes } = header;
  if (sizeBytes === undefined && !isFile) throw mp4Invalid(type, at, 'has size 0 inside another box');
  const end = sizeBytes === undefined ? to : at + sizeBytes;
  if (end > to || at + headerBytes > to)
    throw mp4Invalid(type, at, `says it has ${sizeBytes ?? headerBytes} bytes where ${to - at} are left`);
  return { type, userType, offset: at, headerBytes, end, isOpen: sizeBytes === undefined };
}

/**
 * Reads a whole box that is known to be small.
 *
 * @throws MP4_TOO_LARGE beyond `maxBytes`, MP4_INVALID when the file ends before the box does
 */
export async function readLocatedBox(
  source: WindowedSource,
  { type, userType, offset, headerBytes, end }: LocatedBox,
  maxBytes: number,
): Promise<Box> {
  const sizeBytes = end - offset;
  if (sizeBytes > maxBytes)
    throw mp4TooLarge(type, offset, `has ${sizeBytes} bytes where ${maxBytes} are accepted`);
  const bytes = await source.read(offset, sizeBytes);
  if (bytes.length < sizeBytes) throw mp4Invalid(type, offset, 'is cut off by the end of the file');
  return { type, userType, at: offset, bytes, body: bytes.subarray(headerBytes) };
}
