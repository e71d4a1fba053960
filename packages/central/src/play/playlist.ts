import type { Range } from '@gapless/shared/interval';
import type { DurationMs } from '@gapless/shared/time';
import { formatUtc } from '@gapless/shared/time';

/** One stored segment of a playlist. */
export interface PlaylistSegment extends Range {
  readonly run: string;
  /** Where its file is, with whatever opens it. */
  readonly uri: string;
  /** Length of the head: `ftyp`, `moov` and identity. */
  readonly headBytes: number;
  readonly media: { readonly from: number; readonly to: number };
}

/** A stretch without footage, as a playlist tells it. */
export interface PlaylistGap extends Range {
  readonly state: string;
  readonly reason?: string | undefined;
}

export interface PlaylistOptions {
  /**
   * `skip`: what is there is played without a break. `mark`: each gap is one segment that players skip (`EXT-X-GAP`),
   * so that the playlist lasts as long as the wall clock. A growing playlist must not have a segment longer than it
   * promised, so it skips longer gaps whatever was asked for.
   */
  readonly gaps: 'skip' | 'mark';
  /** More will follow, and what is listed must stay as it is (RFC 8216 section 6.2.2). */
  readonly growing?: { readonly promisedMs: DurationMs } | undefined;
}

/**
 * An HLS media playlist (RFC 8216, with `EXT-X-GAP` of its successor) of stored segments, in order. Fragmented MP4 by
 * byte ranges, a date on every segment, a discontinuity exactly where another run begins, and where time is left out.
 * A gap is one segment, never many: players give up after a few in a row. No playlist starts with one.
 *
 * @param gaps with their present states, to be told of; a growing playlist tells of what it skips and not of states,
 *   since those change
 */
export function playlist(
  segments: readonly PlaylistSegment[],
  gaps: readonly PlaylistGap[],
  options: PlaylistOptions,
): string {
  const { growing } = options;
  const body: string[] = [];
  let longestMs = growing?.promisedMs ?? 1;
  let former: PlaylistSegment | undefined;
  for (const segment of segments) {
    const holeMs = former ? segment.startMs - former.endMs : 0;
    const hole = former && holeMs > 0 ? { startMs: former.endMs, endMs: segment.startMs } : undefined;
    const marked = hole && options.gaps === 'mark' && !(growing && holeMs > growing.promisedMs);
    if (hole && growing) body.push(dateRange(hole));
    if (marked) {
      body.push(
        '#EXT-X-GAP',
        `#EXT-X-PROGRAM-DATE-TIME:${formatUtc(hole.startMs)}`,
        extinf(hole),
        // Players that do not know the tag find nothing here and go on.
        `gap-${hole.startMs}.mp4`,
      );
      longestMs = Math.max(longestMs, holeMs);
    }
    const newRun = former?.run !== segment.run;
    if (former && (newRun || (hole && !marked))) body.push('#EXT-X-DISCONTINUITY');
    if (newRun) body.push(`#EXT-X-MAP:URI="${segment.uri}",BYTERANGE="${segment.headBytes}@0"`);
    body.push(
      `#EXT-X-PROGRAM-DATE-TIME:${formatUtc(segment.startMs)}`,
      extinf(segment),
      `#EXT-X-BYTERANGE:${segment.media.to - segment.media.from}@${segment.media.from}`,
      segment.uri,
    );
    longestMs = Math.max(longestMs, segment.endMs - segment.startMs);
    former = segment;
  }
  const head = [
    '#EXTM3U',
    `#EXT-X-VERSION:${options.gaps === 'mark' ? 8 : 7}`,
    `#EXT-X-TARGETDURATION:${Math.ceil(longestMs / 1000)}`,
    '#EXT-X-MEDIA-SEQUENCE:0',
    `#EXT-X-PLAYLIST-TYPE:${growing ? 'EVENT' : 'VOD'}`,
    '#EXT-X-INDEPENDENT-SEGMENTS',
    ...(growing ? [] : gaps.map(dateRange)),
  ];
  return `${[...head, ...body, ...(growing ? [] : ['#EXT-X-ENDLIST'])].join('\n')}\n`;
}

function extinf({ startMs, endMs }: Range): string {
  return `#EXTINF:${((endMs - startMs) / 1000).toFixed(3)},`;
}

/** Tells players, and people who read the playlist, what is missing and why. */
function dateRange(gap: Range & Partial<PlaylistGap>): string {
  const attributes = [
    `ID="gap-${gap.startMs}"`,
    'CLASS="gapless.gap"',
    `START-DATE="${formatUtc(gap.startMs)}"`,
    `DURATION=${((gap.endMs - gap.startMs) / 1000).toFixed(3)}`,
    ...(gap.state === undefined ? [] : [`X-STATE="${gap.state}"`]),
    ...(gap.reason === undefined ? [] : [`X-REASON="${gap.reason}"`]),
  ];
  return `#EXT-X-DATERANGE:${attributes.join(',')}`;
}
