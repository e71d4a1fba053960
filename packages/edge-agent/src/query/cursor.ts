import { AppError } from '@gapless/shared/errors';
import type { EpochMs } from '@gapless/shared/time';
import type { ListingKey } from '../index/listing-queries.js';

/** Where the next page goes on. */
export interface Cursor {
  /** What is said of the time before has been said. */
  readonly fromMs: EpochMs;
  /** The last segment that was listed. */
  readonly after: ListingKey;
}

/** A cursor as text; opaque to whoever holds it. */
export function cursorText({ fromMs, after }: Cursor): string {
  return [fromMs, after.startMs, after.runOrder, after.seq].join('.');
}

/** Reads what {@link cursorText} wrote; throws ARGUMENT_INVALID for anything else. */
export function parseCursor(text: string): Cursor {
  const match = /^(\d{1,15})\.(\d{1,15})\.(\d{1,15})\.(\d{1,6})$/.exec(text);
  if (!match) throw new AppError('ARGUMENT_INVALID', 'cursor: not one that a page ended with');
  const [fromMs, startMs, runOrder, seq] = match.slice(1).map(Number) as [number, number, number, number];
  return { fromMs, after: { startMs, runOrder, seq } };
}
