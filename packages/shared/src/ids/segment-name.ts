import type { EpochMs } from '../time/index.js';
import { compactUtc, utcDay } from '../time/index.js';
import type { SegmentRef } from './recording.js';

/**
 * The name of a segment's file: its UTC start, the chance part of its run's id, and its number within the run, so that
 * a person finds it without a database and no two segments of a lens share a name:
 * `20260822T165728123Z_3fa9c1_000012.mp4`.
 *
 * @param startMs the start as it was believed when the name was given
 */
export function segmentFileName(ref: Pick<SegmentRef, 'run' | 'seq'>, startMs: EpochMs): string {
  return `${compactUtc(startMs)}_${ref.run.slice(-6)}_${String(ref.seq).padStart(6, '0')}.mp4`;
}

/** Where that file lies below its lens: one directory for each UTC day. */
export function segmentFilePath(ref: Pick<SegmentRef, 'run' | 'seq'>, startMs: EpochMs): string {
  return `${utcDay(startMs)}/${segmentFileName(ref, startMs)}`;
}
