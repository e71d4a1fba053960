import { z } from 'zod';
import { AppError } from '../errors/index.js';
import { MAX_BINARY_BYTES, MAX_FRAGMENT_BYTES, MAX_SEGMENT_BYTES, MAX_SLICE_BYTES } from './limits.js';
import { epochMs, segmentRef } from './values.js';

/**
 * Live video in binary frames. A segment travels as pieces (its head, each fragment, its seal) and a piece as slices
 * of at most 8 KiB, so that a control message never waits behind more than one slice.
 *
 * ```
 * u8   version, 1
 * u8   flags: 1 first slice of its piece, 2 last slice
 * u32  piece, counts the pieces of the session
 * u16  length of the descriptor, 0 unless first
 * ...  descriptor, JSON
 * ...  media bytes
 * ```
 */
const VERSION = 1;
const FIRST = 1;
const LAST = 2;
const HEADER_BYTES = 8;

/** What a piece is and where it lies in its segment file. `startMs` is the wall time of its own first sample or, of a head or seal, of the segment's. */
export const pieceDescriptor = z.discriminatedUnion('part', [
  segmentRef.extend({
    part: z.literal('head'),
    offset: z.literal(0),
    sizeBytes: z.int().min(1).max(MAX_FRAGMENT_BYTES),
    startMs: epochMs,
  }),
  segmentRef.extend({
    part: z.literal('fragment'),
    number: z.int().min(0).max(0xffff_ffff),
    offset: z.int().min(1).max(MAX_SEGMENT_BYTES),
    sizeBytes: z.int().min(1).max(MAX_FRAGMENT_BYTES),
    startMs: epochMs,
    endMs: epochMs,
  }),
  segmentRef.extend({
    part: z.literal('seal'),
    offset: z.int().min(1).max(MAX_SEGMENT_BYTES),
    sizeBytes: z
      .int()
      .min(1)
      .max(64 * 1024),
    startMs: epochMs,
  }),
]);

export type PieceDescriptor = z.infer<typeof pieceDescriptor>;

export interface LiveSlice {
  readonly piece: number;
  /** Present on the first slice. */
  readonly descriptor: PieceDescriptor | undefined;
  readonly last: boolean;
  /** A view into the frame, not a copy. */
  readonly bytes: Uint8Array;
}

/** Header and descriptor of one slice; the media bytes follow it on the wire. */
export function encodeSliceHeader(slice: Omit<LiveSlice, 'bytes'>): Uint8Array {
  const text = slice.descriptor
    ? new TextEncoder().encode(JSON.stringify(slice.descriptor))
    : new Uint8Array(0);
  const out = new Uint8Array(HEADER_BYTES + text.length);
  const view = new DataView(out.buffer);
  view.setUint8(0, VERSION);
  view.setUint8(1, (slice.descriptor ? FIRST : 0) | (slice.last ? LAST : 0));
  view.setUint32(2, slice.piece);
  view.setUint16(6, text.length);
  out.set(text, HEADER_BYTES);
  return out;
}

/** Reads one binary frame; throws `LINK_FRAME_INVALID`. */
export function decodeSlice(frame: Uint8Array): LiveSlice {
  if (frame.length < HEADER_BYTES || frame.length > MAX_BINARY_BYTES) throw invalid(`length ${frame.length}`);
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (view.getUint8(0) !== VERSION) throw invalid(`version ${view.getUint8(0)}`);
  const flags = view.getUint8(1);
  const descriptorEnd = HEADER_BYTES + view.getUint16(6);
  if (descriptorEnd > frame.length) throw invalid('descriptor beyond the frame');
  const bytes = frame.subarray(descriptorEnd);
  if (bytes.length === 0 || bytes.length > MAX_SLICE_BYTES) throw invalid(`${bytes.length} media bytes`);
  const first = (flags & FIRST) !== 0;
  if (first !== descriptorEnd > HEADER_BYTES) throw invalid('descriptor and first flag disagree');
  return {
    piece: view.getUint32(2),
    descriptor: first ? parseDescriptor(frame.subarray(HEADER_BYTES, descriptorEnd)) : undefined,
    last: (flags & LAST) !== 0,
    bytes,
  };
}

function parseDescriptor(bytes: Uint8Array): PieceDescriptor {
  try {
    const parsed = pieceDescriptor.safeParse(
      JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)),
    );
    if (parsed.success) return parsed.data;
  } catch (thrown) {
    throw invalid('descriptor is not JSON', thrown);
  }
  throw invalid('descriptor does not describe a piece');
}

function invalid(what: string, cause?: unknown): AppError {
  return new AppError('LINK_FRAME_INVALID', `malformed live frame: ${what}`, { cause });
}
