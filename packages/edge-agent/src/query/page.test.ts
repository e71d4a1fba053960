import { parseLensName } from '@gapless/shared/ids';
import { describe, expect, it } from 'vitest';
import type { ListedSegment } from '../index/listing-queries.js';
import type { Page } from './page.js';
import { readPage } from './page.js';

const SECOND = 1_000;
const range = { startMs: 0, endMs: 30_000 * SECOND };

/** As many deleted segments of a second each, and one that is held at each of the given seconds. */
function listingOf(deleted: number, heldAt: readonly number[]): Parameters<typeof readPage>[0] {
  const gone = Array.from({ length: deleted }, (_, i) => ({
    startMs: i * SECOND,
    endMs: (i + 1) * SECOND,
    reason: 'evicted' as const,
  }));
  const held = heldAt.map((at, seq): ListedSegment => ({
    startMs: at * SECOND,
    endMs: (at + 1) * SECOND,
    runOrder: 1,
    seq,
    sizeBytes: 1,
    sha256: '',
    receipted: false,
    holes: [],
  }));
  return {
    deleted: (_, { startMs, endMs }, limit) =>
      gone.filter((one) => one.endMs > startMs && one.startMs < endMs).slice(0, limit),
    segments: (_, { startMs, endMs }, limit, after) =>
      held
        .filter((one) => one.endMs > startMs && one.startMs < endMs)
        .filter(
          (one) =>
            !after || one.startMs > after.startMs || (one.startMs === after.startMs && one.seq > after.seq),
        )
        .slice(0, limit),
  };
}

function pagesOf(listing: Parameters<typeof readPage>[0], limit: number): Page[] {
  const pages: Page[] = [];
  for (let page: Page | undefined; !page || page.next;) {
    page = readPage(listing, { lens: parseLensName('front'), range, limit }, page?.next);
    pages.push(page);
  }
  return pages;
}

describe(readPage, () => {
  it('ends a page where too much was deleted, and goes on right there', () => {
    const pages = pagesOf(listingOf(25_000, [26_000, 26_001]), 100);
    expect(pages.map(({ answered }) => answered)).toEqual([
      { startMs: 0, endMs: 10_000 * SECOND },
      { startMs: 10_000 * SECOND, endMs: 20_000 * SECOND },
      { startMs: 20_000 * SECOND, endMs: range.endMs },
    ]);
    expect(pages.flatMap(({ deleted }) => deleted)).toHaveLength(25_000);
    expect(pages.flatMap(({ segments }) => segments.map(({ seq }) => seq))).toEqual([0, 1]);
  });

  it('answers nothing of a range that a page before has ended', () => {
    const cursor = { fromMs: range.endMs, after: { startMs: 0, runOrder: 1, seq: 1 } };
    const page = readPage(listingOf(3, [4]), { lens: parseLensName('front'), range, limit: 5 }, cursor);
    expect(page).toEqual({ segments: [], deleted: [], answered: undefined, next: undefined });
  });
});
