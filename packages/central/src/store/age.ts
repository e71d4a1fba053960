import type { EpochMs } from '@gapless/shared/time';
import { PLAUSIBLE_FROM_MS } from '@gapless/shared/time';

/**
 * Since when the age of a verified object counts. A box whose clock stood in 1970 records all the same, and what it
 * recorded may be of today: its age counts from when central verified it, so that retention never takes it for the oldest.
 */
export function ageFromMs(object: { readonly endMs: EpochMs; readonly verifiedMs: EpochMs }): EpochMs {
  return object.endMs < PLAUSIBLE_FROM_MS ? object.verifiedMs : object.endMs;
}
