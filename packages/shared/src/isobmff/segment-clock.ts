import type { EpochMs } from '../time/index.js';

/**
 * How wall time follows from media time: an instant at which both were known, and how much faster than its nominal
 * rate the media clock's second passes in wall time. The instant is that of the run's start or of its last correction,
 * so that all segments in between map a shared boundary to the same millisecond.
 */
export interface SegmentClock {
  readonly startMs: EpochMs;
  /** Decode time of the primary track at `startMs`. */
  readonly startTicks: number;
  /** Ticks per second of the primary track. */
  readonly timescale: number;
  /** Wall seconds per media second, minus one, in millionths; an integer from -500 to 500. */
  readonly ppm: number;
}

/** Bound on {@link SegmentClock.ppm}; a crystal that is further off is broken, and the run ends instead. */
export const MAX_PPM = 500;

/** The wall time of a decode time of the primary track, rounded once. */
export function wallMs(clock: SegmentClock, decodeTicks: number): EpochMs {
  const mediaMs = ((decodeTicks - clock.startTicks) * 1000) / clock.timescale;
  return clock.startMs + Math.round(mediaMs * (1 + clock.ppm / 1e6));
}
