import type { Box } from './box.js';
import { topLevelBoxes } from './box.js';
import type { WindowedSource } from './byte-source.js';
import type { InitSegment } from './init-segment.js';
import { parseInitSegment } from './init-segment.js';
import { mp4Invalid, mp4TooLarge } from './mp4-error.js';
import type { SegmentIdentity } from './segment-identity.js';
import { isIdentityBox, parseIdentityBox } from './segment-identity.js';

/** What stands before the first fragment of a segment file. */
export interface SegmentHead {
  /** Where the first fragment begins, or would begin. */
  readonly headLength: number;
  readonly init: InitSegment;
  /** `ftyp` and `moov`, as they stand in the file. */
  readonly initBytes: Uint8Array;
  /** `undefined` for a file from another recorder. */
  readonly identity: SegmentIdentity | undefined;
}

/** Bound on a box that is read whole: a `moov` of a fragmented file has no sample tables and stays below 10 KiB. */
const MAX_HEAD_BOX_BYTES = 2 ** 20;

/** Bound on the boxes before the first fragment. */
const MAX_HEAD_BOXES = 32;

/**
 * Reads the head of a segment file.
 *
 * @throws MP4_INVALID, MP4_UNSUPPORTED or MP4_TOO_LARGE when the head is broken or cut off: without it nothing in the
 *   file means anything
 */
export async function readSegmentHead(source: WindowedSource): Promise<SegmentHead> {
  const initBoxes: Uint8Array[] = [];
  let moovSeen = false;
  let identity: SegmentIdentity | undefined;
  let offset = 0;
  for (let count = 0; ; count++) {
    const header = await source.header(offset);
    if (!header || header.type === 'moof' || !HEAD_BOXES.has(header.type)) break;
    if (header.type === 'uuid' && !isIdentityBox(header)) break;
    if (count === MAX_HEAD_BOXES)
      throw mp4TooLarge('file', 0, `has over ${MAX_HEAD_BOXES} boxes in its head`);
    const box = await readWholeBox(source, offset, MAX_HEAD_BOX_BYTES);
    if (box.type === 'ftyp' || box.type === 'moov') initBoxes.push(box.bytes.slice());
    if (box.type === 'uuid') identity = parseIdentityBox(box);
    moovSeen ||= box.type === 'moov';
    offset += box.bytes.length;
  }
  if (!moovSeen) throw mp4Invalid('file', offset, 'has no moov before its first fragment');
  const initBytes = concat(initBoxes);
  return { headLength: offset, init: parseInitSegment(initBytes), initBytes, identity };
}

const HEAD_BOXES = new Set(['ftyp', 'moov', 'free', 'skip', 'wide', 'uuid']);

/** The box at `offset` with its content; throws MP4_INVALID when the file ends within it. */
export async function readWholeBox(source: WindowedSource, offset: number, maxBytes: number): Promise<Box> {
  const header = await source.header(offset);
  if (!header) throw mp4Invalid('file', offset, 'ends inside the header of a box');
  const sizeBytes = header.sizeBytes ?? source.sizeBytes - offset;
  if (sizeBytes > maxBytes)
    throw mp4TooLarge(header.type, offset, `has ${sizeBytes} bytes where ${maxBytes} are accepted`);
  const bytes = await source.read(offset, sizeBytes);
  if (bytes.length < sizeBytes)
    throw mp4Invalid(header.type, offset, `has ${bytes.length} of its ${sizeBytes} bytes: the file ends`);
  for (const box of topLevelBoxes(bytes, offset)) return box;
  throw mp4Invalid('file', offset, 'ends where a box must begin');
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
