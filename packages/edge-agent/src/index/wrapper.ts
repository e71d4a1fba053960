import { AppError } from '@gapless/shared/errors';
import type { Extent } from '@gapless/shared/extents';
import { ExtentList, extentLength } from '@gapless/shared/extents';
import { z } from 'zod';

/** A file of another recorder as it was when it was adopted. */
export interface SourceFile {
  /** Absolute. */
  readonly path: string;
  readonly sizeBytes: number;
  /** Time of its last change, whole milliseconds. */
  readonly modifiedMs: number;
}

/**
 * The wrapper of an adopted segment: what is the segment's own (head, headers of its fragments, seal), and where in the other
 * recorder's file the media lie that belong between. Both together are the segment, byte for byte. It is a line of JSON and
 * then the segment's own bytes, one after the other.
 */
export interface Wrapper {
  readonly source: SourceFile;
  /** The segment; its files are `source`. */
  readonly content: ExtentList;
}

/** Version of the format. */
const VERSION = 1;

/** Bound on a wrapper: that of a segment of ten minutes has a megabyte. */
export const MAX_WRAPPER_BYTES = 64 * 2 ** 20;

const header = z.object({
  v: z.literal(VERSION),
  source: z.object({
    path: z.string().min(1).max(4096),
    sizeBytes: z.int().min(0),
    modifiedMs: z.int(),
  }),
  /** In turns: how many own bytes follow, then offset and length of media. */
  parts: z.array(z.int().min(0)).max(2 ** 20),
});

/** The wrapper of a segment as a file. Its extents are bytes in memory and stretches of `source`. */
export function encodeWrapper(source: SourceFile, extents: readonly Extent[]): Uint8Array {
  const parts: number[] = [];
  const own: Uint8Array[] = [];
  let ownBytes = 0;
  for (const extent of extents) {
    if (extent.kind === 'bytes') {
      own.push(extent.bytes);
      ownBytes += extentLength(extent);
    } else {
      parts.push(ownBytes, extent.offset, extent.length);
      ownBytes = 0;
    }
  }
  parts.push(ownBytes);
  return Buffer.concat([Buffer.from(`${JSON.stringify({ v: VERSION, source, parts })}\n`), ...own]);
}

/**
 * Reads what {@link encodeWrapper} wrote.
 *
 * @throws SEGMENT_FOREIGN for anything else
 */
export function decodeWrapper(bytes: Uint8Array): Wrapper {
  const newline = bytes.indexOf(0x0a);
  const { source, parts } = headerOf(bytes.subarray(0, Math.max(0, newline)));
  const extents: Extent[] = [];
  let at = newline + 1;
  const takeOwn = (length: number): void => {
    if (length > bytes.length - at) throw foreign('it is cut off');
    if (length > 0) extents.push({ kind: 'bytes', bytes: bytes.subarray(at, at + length) });
    at += length;
  };
  for (let i = 0; i < parts.length; i += 3) {
    takeOwn(parts[i]!);
    const [offset, length] = [parts[i + 1], parts[i + 2]];
    if (offset === undefined || length === undefined) break;
    if (offset + length > source.sizeBytes) throw foreign('it speaks of media beyond the end of their file');
    extents.push({ kind: 'file', path: source.path, offset, length });
  }
  if (at !== bytes.length) throw foreign('it has bytes that belong nowhere');
  return { source, content: new ExtentList(extents) };
}

function headerOf(line: Uint8Array): z.infer<typeof header> {
  try {
    return header.parse(JSON.parse(Buffer.from(line).toString('utf8')));
  } catch (cause) {
    throw new AppError('SEGMENT_FOREIGN', 'the file is no wrapper of an adopted segment', { cause });
  }
}

function foreign(detail: string): AppError {
  return new AppError('SEGMENT_FOREIGN', `the file is no wrapper of an adopted segment: ${detail}`);
}
