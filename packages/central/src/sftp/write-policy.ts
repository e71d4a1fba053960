export interface WriteRequest {
  readonly offset: number;
  readonly length: number;
}

export interface PartialState {
  /** Every byte before it is written. */
  readonly markBytes: number;
  /** Nothing before it may be written again. */
  readonly floorBytes: number;
  /** Nothing at or beyond it may be written. */
  readonly sizeBytes: number;
}

export type WriteDecision =
  | { readonly kind: 'append' }
  /** Writing begins again below the mark: the file is first cut to the write's offset. */
  | { readonly kind: 'rewind' }
  | { readonly kind: 'refuse'; readonly reason: string };

/**
 * Decides about one write. A partial file is written in order and without holes, so that its length is at all times the
 * length of a sound prefix: the resume offset rests on it. A client that writes ahead (ssh2's `fastPut` does, by
 * accident) is refused rather than believed.
 */
export function decideWrite(write: WriteRequest, file: PartialState): WriteDecision {
  const { offset, length } = write;
  if (!Number.isSafeInteger(offset) || offset + length > file.sizeBytes)
    return { kind: 'refuse', reason: `the ticket is for ${file.sizeBytes} bytes` };
  if (offset > file.markBytes)
    return { kind: 'refuse', reason: `a write at ${offset} leaves a hole behind ${file.markBytes}` };
  if (offset === file.markBytes) return { kind: 'append' };
  if (offset < file.floorBytes)
    return { kind: 'refuse', reason: `bytes before ${file.floorBytes} are final: resume there` };
  return { kind: 'rewind' };
}
