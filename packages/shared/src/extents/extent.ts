import { assert } from '../errors/index.js';

/** Bytes that exist only in memory, such as a header made for a download. */
export interface BytesExtent {
  readonly kind: 'bytes';
  readonly bytes: Uint8Array;
}

/** A stretch of a file on disk. */
export interface FileExtent {
  readonly kind: 'file';
  readonly path: string;
  /** Where the file is to be found once it is not at `path` any more: it may be moved there at any moment. */
  readonly movesTo?: string | undefined;
  readonly offset: number;
  readonly length: number;
}

/** A piece of a virtual file. */
export type Extent = BytesExtent | FileExtent;

/** Length in bytes. */
export function extentLength(extent: Extent): number {
  return extent.kind === 'bytes' ? extent.bytes.length : extent.length;
}

/** The bytes `[from, to)` of an extent, as an extent. */
export function sliceExtent(extent: Extent, from: number, to: number): Extent {
  assert(0 <= from && from <= to && to <= extentLength(extent), `[${from}, ${to}) lies inside the extent`);
  if (extent.kind === 'bytes') return { kind: 'bytes', bytes: extent.bytes.subarray(from, to) };
  return { ...extent, offset: extent.offset + from, length: to - from };
}
