import { AppError } from '@gapless/shared/errors';
import type { LensName } from '@gapless/shared/ids';
import { segmentId } from '@gapless/shared/ids';
import type { Range } from '@gapless/shared/interval';
import type { Selection } from '@gapless/shared/protocol';
import type { IndexReader } from './index-reader.js';

export interface LensRange {
  readonly lens: LensName;
  readonly range: Range;
}

/**
 * The range of a lens that is meant.
 *
 * @throws LENS_UNKNOWN, SEGMENT_GONE
 */
export function selectedRange(reader: IndexReader, selected: Selection): LensRange {
  if ('range' in selected) {
    requireLens(reader, selected.lens);
    return selected;
  }
  const segment = reader.segments.get(selected.segment);
  if (!segment)
    throw new AppError('SEGMENT_GONE', `${segmentId(selected.segment)} is not held here, or no longer`);
  return { lens: segment.lens, range: { startMs: segment.startMs, endMs: segment.endMs } };
}

/** @throws LENS_UNKNOWN for a lens of which nothing was ever recorded */
export function requireLens(reader: IndexReader, lens: LensName): void {
  if (reader.lenses().includes(lens)) return;
  throw new AppError('LENS_UNKNOWN', `there are no recordings of a lens ${lens}`);
}
