import type { LensName } from '@gapless/shared/ids';
import type { Range } from '@gapless/shared/interval';
import type { Deletion, ListedSegment, ListingQueries } from '../index/listing-queries.js';
import type { Cursor } from './cursor.js';

/** A stretch of the index, as much as is answered at once. */
export interface Page {
  readonly segments: readonly ListedSegment[];
  /** What was deleted of the answered range. */
  readonly deleted: readonly Deletion[];
  /** `undefined` when all segments of the page begin at the same instant as the next page. */
  readonly answered: Range | undefined;
  readonly next: Cursor | undefined;
}

/** A page ends behind as many deleted segments, too: where nothing is held there may be thousands. */
const MAX_DELETED = 10_000;

/** Reads one page: at most `limit` segments. Pages tile the range that is asked for. */
export function readPage(
  listing: Pick<ListingQueries, 'segments' | 'deleted'>,
  question: { readonly lens: LensName; readonly range: Range; readonly limit: number },
  cursor: Cursor | undefined,
): Page {
  const { lens, range, limit } = question;
  const startMs = cursor?.fromMs ?? range.startMs;
  if (startMs >= range.endMs) return { segments: [], deleted: [], answered: undefined, next: undefined };
  const found = listing.deleted(lens, { startMs, endMs: range.endMs }, MAX_DELETED + 1);
  const deleted = found.slice(0, MAX_DELETED);
  const cutMs = found[MAX_DELETED]?.startMs;
  const endMs = cutMs ?? range.endMs;
  const rows = listing.segments(lens, { startMs, endMs }, limit + 1, cursor?.after);
  const segments = rows.slice(0, limit);
  const following = rows[limit];
  const untilMs = Math.max(startMs, following?.startMs ?? endMs);
  const answered = untilMs > startMs ? { startMs, endMs: untilMs } : undefined;
  return { segments, deleted, answered, next: nextPage({ segments, following, cutMs, untilMs }) };
}

function nextPage(page: {
  readonly segments: readonly ListedSegment[];
  readonly following: ListedSegment | undefined;
  readonly cutMs: number | undefined;
  readonly untilMs: number;
}): Cursor | undefined {
  const { segments, following, cutMs, untilMs } = page;
  if (following) return { fromMs: untilMs, after: segments.at(-1)! };
  // Orders count from 1, so this place is in front of every segment that begins then.
  if (cutMs !== undefined) return { fromMs: untilMs, after: { startMs: cutMs, runOrder: 0, seq: 0 } };
  return undefined;
}
