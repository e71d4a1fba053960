import type { Range } from '@gapless/shared/interval';
import type { DurationMs, EpochMs } from '@gapless/shared/time';

/** A segment of a growing playlist, and since when it stands there. */
export type Listed<Segment> = Segment & { readonly listedMs: EpochMs };

/**
 * What a growing playlist lists. RFC 8216 section 6.2.2: whoever has read it may find more at its end, nothing new in its
 * middle. So what is verified after something later was listed stays out of it: it is listed once the playlist is opened
 * anew. Nothing needs to be remembered of a playlist but when it was opened, at which time whatever was there was listed.
 *
 * @param segments by time
 */
export function listedSince<Segment extends { readonly verifiedMs: EpochMs }>(
  segments: readonly Segment[],
  openedMs: EpochMs,
): Listed<Segment>[] {
  const listed: Listed<Segment>[] = [];
  let laterListedMs = Number.POSITIVE_INFINITY;
  for (const segment of [...segments].reverse()) {
    const listedMs = Math.max(openedMs, segment.verifiedMs);
    if (listedMs > laterListedMs) continue;
    laterListedMs = listedMs;
    listed.push({ ...segment, listedMs });
  }
  return listed.reverse();
}

/**
 * The longest of the segments that a growing playlist began with, which is what it promises of those to come: they come
 * from the same camera.
 *
 * @param listed at least one
 */
export function promisedMs(listed: readonly Listed<Range>[]): DurationMs {
  const began = listed.filter(({ listedMs }) => listedMs <= listed[0]!.listedMs);
  return Math.max(...began.map(({ startMs, endMs }) => endMs - startMs));
}
