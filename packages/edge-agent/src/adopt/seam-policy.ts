import type { MediaMtxSegment } from '@gapless/shared/isobmff';
import { MAX_PPM } from '@gapless/shared/isobmff';
import type { DurationMs, EpochMs } from '@gapless/shared/time';
import { SECOND_MS } from '@gapless/shared/time';

/** What a file has to say of its seam. */
export interface SeamSide {
  readonly mediaMtx: MediaMtxSegment | undefined;
  /** The init segment that its samples need. */
  readonly init: Uint8Array;
}

export interface Seam {
  readonly before: SeamSide & { readonly endMs: EpochMs };
  /** `startMs`: of its first picture, by its own clock. */
  readonly after: SeamSide & { readonly startMs: EpochMs; readonly toleranceMs: DurationMs };
  /** Whether the first picture of `after` can be decoded. */
  readonly beginsWithSync: boolean;
}

/** A recorder that numbers its segments vouches for the seam; its clock may be corrected meanwhile. */
const NUMBERED_TOLERANCE_MS: DurationMs = SECOND_MS;

/**
 * Whether a file goes on where the one before it ended. MediaMTX says so itself, by stream and number; of others the distance
 * between the last sample and the first one counts, as exactly as their clock can tell.
 */
export function continues({ before, after, beginsWithSync }: Seam): boolean {
  if (!beginsWithSync || !sameBytes(before.init, after.init)) return false;
  const apartMs = Math.abs(after.startMs - before.endMs);
  if (!before.mediaMtx || !after.mediaMtx) return apartMs <= after.toleranceMs;
  const follows =
    before.mediaMtx.stream === after.mediaMtx.stream && after.mediaMtx.number === before.mediaMtx.number + 1;
  return follows && apartMs <= NUMBERED_TOLERANCE_MS;
}

/**
 * A file that continues another is put at its end, not at its own clock, or there would be slits and overlaps of some
 * milliseconds. What that is off is made up for within the file, as far as a crystal may be off.
 *
 * @returns wall seconds per media second, minus one, in millionths
 */
export function correctionPpm(
  offMs: DurationMs,
  { lengthMs, toleranceMs }: { readonly lengthMs: DurationMs; readonly toleranceMs: DurationMs },
): number {
  // A clock of whole seconds says nothing about milliseconds.
  if (toleranceMs >= SECOND_MS || lengthMs <= 0) return 0;
  const ppm = Math.round((offMs / lengthMs) * 1e6);
  return Math.max(-MAX_PPM, Math.min(MAX_PPM, ppm));
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
