import { hex } from '../ids/index.js';
import { mp4Invalid } from './mp4-error.js';

/** Bytes of a plain box header: 32-bit size and type (ISO/IEC 14496-12 section 4.2). */
export const MIN_HEADER_BYTES = 8;

/** Bytes of the longest box header: 64-bit size and 16-byte user type. */
export const MAX_HEADER_BYTES = 32;

export interface BoxHeader {
  /** Four characters, as they stand in the bytes. */
  readonly type: string;
  /** The user type of a `uuid` box as 32 hex digits; `undefined` for every other type. */
  readonly userType: string | undefined;
  /** 8, 16, 24 or 32. */
  readonly headerBytes: number;
  /** Length of the whole box, header included; `undefined` for one that runs to the end of the file (size 0). */
  readonly sizeBytes: number | undefined;
}

/** A box that lies in memory. `bytes` and `body` are views of its own bytes only, so nothing can be read beyond it. */
export interface Box {
  readonly type: string;
  readonly userType: string | undefined;
  /** Offset of the header from the start of the outermost bytes; for messages. */
  readonly at: number;
  /** The whole box, header included. */
  readonly bytes: Uint8Array;
  /** What follows the header. */
  readonly body: Uint8Array;
}

/**
 * Reads the box header at the start of `bytes`.
 *
 * @param at where `bytes` lies, for messages
 * @returns `undefined` while there are too few bytes to know
 * @throws MP4_INVALID for a size that is smaller than the header itself or beyond 2^53
 */
export function readBoxHeader(bytes: Uint8Array, at: number): BoxHeader | undefined {
  if (bytes.length < MIN_HEADER_BYTES) return undefined;
  const size32 = u32At(bytes, 0);
  const type = typeAt(bytes, 4);
  let headerBytes = MIN_HEADER_BYTES;
  let sizeBytes: number | undefined = size32;
  if (size32 === 1) {
    headerBytes += 8;
    if (bytes.length < headerBytes) return undefined;
    sizeBytes = u32At(bytes, 8) * 2 ** 32 + u32At(bytes, 12);
    if (!Number.isSafeInteger(sizeBytes)) throw mp4Invalid(type, at, 'has a size beyond 2^53');
  } else if (size32 === 0) {
    sizeBytes = undefined;
  }
  let userType: string | undefined;
  if (type === 'uuid') {
    headerBytes += 16;
    if (bytes.length < headerBytes) return undefined;
    userType = hex(bytes.subarray(headerBytes - 16, headerBytes));
  }
  if (sizeBytes !== undefined && sizeBytes < headerBytes)
    throw mp4Invalid(type, at, `says it has ${sizeBytes} bytes, fewer than its header`);
  return { type, userType, headerBytes, sizeBytes };
}

/**
 * The boxes that lie side by side in a file or a piece of one. Only here may the last box run to the end (size 0).
 *
 * @param at where `bytes` lies, for messages
 */
export function topLevelBoxes(bytes: Uint8Array, at = 0): Generator<Box> {
  return boxesIn(bytes, at, true);
}

/**
 * The boxes inside a box.
 *
 * @param skipBytes length of the fields that precede the first child
 */
export function childrenOf(parent: Box, skipBytes = 0): Generator<Box> {
  if (skipBytes > parent.body.length) throw mp4Invalid(parent.type, parent.at, 'ends inside its fields');
  const headerBytes = parent.bytes.length - parent.body.length;
  return boxesIn(parent.body.subarray(skipBytes), parent.at + headerBytes + skipBytes, false);
}

/** The first child of that type, `undefined` if there is none. */
export function findChild(parent: Box, type: string): Box | undefined {
  for (const child of childrenOf(parent)) if (child.type === type) return child;
  return undefined;
}

/** The first child of that type; throws MP4_INVALID if there is none. */
export function requireChild(parent: Box, type: string): Box {
  const child = findChild(parent, type);
  if (!child) throw mp4Invalid(parent.type, parent.at, `has no ${type}`);
  return child;
}

function* boxesIn(bytes: Uint8Array, at: number, lastMayBeOpen: boolean): Generator<Box> {
  for (let offset = 0; offset < bytes.length;) {
    const rest = bytes.subarray(offset);
    // QuickTime ends some lists with a 32-bit zero instead of nothing.
    if (rest.length < MIN_HEADER_BYTES && rest.every((byte) => byte === 0)) return;
    const header = readBoxHeader(rest, at + offset);
    if (!header) throw mp4Invalid('box', at + offset, `is cut off in its header after ${rest.length} bytes`);
    if (header.sizeBytes === undefined && !lastMayBeOpen)
      throw mp4Invalid(header.type, at + offset, 'has size 0 inside another box');
    const sizeBytes = header.sizeBytes ?? rest.length;
    if (sizeBytes > rest.length)
      throw mp4Invalid(
        header.type,
        at + offset,
        `says it has ${sizeBytes} bytes where ${rest.length} are left`,
      );
    yield {
      type: header.type,
      userType: header.userType,
      at: at + offset,
      bytes: rest.subarray(0, sizeBytes),
      body: rest.subarray(header.headerBytes, sizeBytes),
    };
    // At least a header's length, so this always moves on.
    offset += sizeBytes;
  }
}

export function u32At(bytes: Uint8Array, offset: number): number {
  return (
    ((bytes[offset]! << 24) | (bytes[offset + 1]! << 16) | (bytes[offset + 2]! << 8) | bytes[offset + 3]!) >>>
    0
  );
}

export function typeAt(bytes: Uint8Array, offset: number): string {
  return String.fromCharCode(bytes[offset]!, bytes[offset + 1]!, bytes[offset + 2]!, bytes[offset + 3]!);
}
