import type { shareStates } from '@gapless/shared/protocol';

/** How near the protected footage is to the part of the disk that it may take. */
export type ShareState = (typeof shareStates)[number];

/** People are warned from here on: long before a protection is refused, and far longer before recording suffers. */
const NEAR_RATIO = 0.7;
/** Less than this is ample again, so that a warning does not come and go. */
const AMPLE_RATIO = 0.6;

/** @param before the state so far */
export function shareState(protectedBytes: number, maxBytes: number, before: ShareState): ShareState {
  if (protectedBytes >= maxBytes && protectedBytes > 0) return 'full';
  const nearBytes = maxBytes * (before === 'ample' ? NEAR_RATIO : AMPLE_RATIO);
  return protectedBytes > nearBytes ? 'near' : 'ample';
}
