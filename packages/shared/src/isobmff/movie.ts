import type { Range } from '../interval/index.js';
import type { DurationMs, EpochMs } from '../time/index.js';
import type { FragmentEntry } from './fragment-table.js';
import type { InitSegment } from './init-segment.js';
import type { SampleTable } from './sample-table.js';
import type { SegmentClock } from './segment-clock.js';

/** A stored segment, read and ready to be made part of a movie. */
export interface MovieSegment {
  /** Segments of the same run whose fragment numbers follow each other continue each other; no others do. */
  readonly run: string;
  readonly clock: SegmentClock;
  readonly init: InitSegment;
  /** One a track, in the order of the init segment's tracks; offsets count from the start of the file. */
  readonly tables: readonly SampleTable[];
  readonly fragments: readonly Pick<FragmentEntry, 'number' | 'startTicks'>[];
}

export interface MovieRequest {
  /** In order of time. They must reach back to a sync sample at or before the range's start, where there is one. */
  readonly segments: readonly MovieSegment[];
  /** Wall time to show. */
  readonly range: Range;
  /**
   * `exact`: the movie shows the range and nothing else, from its first picture on; what decoding needs before that is
   * there, but hidden by an edit list. `keyframe`: the range is widened to sync samples on both sides and nothing is hidden, for players that do
   * not know edit lists.
   */
  readonly mode: 'exact' | 'keyframe';
  /** As for coverage: a sample that lasts longer leaves a gap. */
  readonly maxSampleMs?: DurationMs;
}

/** A stretch of a segment's file. */
export interface MoviePart {
  /** Index in the request's segments. */
  readonly segment: number;
  readonly offset: number;
  readonly length: number;
}

/**
 * Why a movie does not show a stretch of what was asked for. `missing`: no samples. `no-keyframe`: samples, but what
 * they build on is missing. `codec-change`: from here on the camera sent another format, which a file of one format
 * cannot hold; ask again from there for the rest.
 */
export type MovieGapReason = 'missing' | 'no-keyframe' | 'codec-change';

export interface MovieGap extends Range {
  readonly reason: MovieGapReason;
}

/** A progressive MP4 file that does not exist: its header, then stretches of segment files. */
export interface Movie {
  /** `ftyp`, `moov` and the header of the `mdat` that the parts fill. */
  readonly header: Uint8Array;
  readonly parts: readonly MoviePart[];
  /** Length of the header and all parts. */
  readonly sizeBytes: number;
  /** Wall time of the first instant that is shown. */
  readonly startMs: EpochMs;
  readonly endMs: EpochMs;
  /** How much of it shows footage; the rest shows the picture before a gap, standing still. */
  readonly coveredMs: DurationMs;
  /** What is not shown of the range asked for, in order. */
  readonly gaps: readonly MovieGap[];
  /** RFC 6381 names of what is inside, for a media type. */
  readonly codecs: readonly string[];
}
