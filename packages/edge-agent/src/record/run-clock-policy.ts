import type { SegmentClock } from '@gapless/shared/isobmff';
import { MAX_PPM, wallMs } from '@gapless/shared/isobmff';
import type { EpochMs } from '@gapless/shared/time';

/** An offset larger than this is a step of the wall clock, not drift, and is not followed here. */
const STEP_MS = 5_000;
/** Less is left alone: fragments do not arrive more evenly than this. */
const TOLERANCE_MS = 50;
/** A correction is taken back once the clocks agree this closely. */
const AGREED_MS = 10;
/** Drift is worked off over this much media time, so that one late fragment does not bend the clock. */
const HORIZON_MS = 600_000;
/** A correction is changed only by this much, in parts per million; every change rounds one boundary anew. */
const PPM_STEP = 20;

/**
 * The clock for a segment that begins at `startTicks`: the one before it, unless the camera's clock and the box's have
 * drifted apart; then one that starts at the same instant and runs a little faster or slower until they agree again.
 *
 * @param observedMs wall time at which the sample at `startTicks` was due, by the least delayed arrivals of the run
 */
export function nextClock(clock: SegmentClock, startTicks: number, observedMs: EpochMs): SegmentClock {
  const startMs = wallMs(clock, startTicks);
  const ppm = correctionPpm(observedMs - startMs, clock.ppm);
  return ppm === clock.ppm ? clock : { startMs, startTicks, timescale: clock.timescale, ppm };
}

/** The correction that works off `driftMs` gently, given the one in force. */
export function correctionPpm(driftMs: number, currentPpm: number): number {
  const distance = Math.abs(driftMs);
  if (distance > STEP_MS) return currentPpm;
  if (distance < AGREED_MS) return 0;
  if (currentPpm === 0 && distance < TOLERANCE_MS) return 0;
  const ppm = Math.max(-MAX_PPM, Math.min(MAX_PPM, Math.round((driftMs / HORIZON_MS) * 1e6)));
  return Math.abs(ppm - currentPpm) < PPM_STEP ? currentPpm : ppm;
}
