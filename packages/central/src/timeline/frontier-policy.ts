import { LINK_DEAD_MS } from '@gapless/shared/protocol';
import type { DurationMs, EpochMs } from '@gapless/shared/time';

/** What was heard this recently holds: a link that is silent for longer is given up. */
const RECENT_MS: DurationMs = LINK_DEAD_MS + 2_000;

export function isRecent(atMs: EpochMs | undefined, nowMs: EpochMs): boolean {
  return atMs !== undefined && nowMs - atMs < RECENT_MS;
}

/**
 * Where the timeline of a lens ends. The newest seconds of a connected vehicle are not unknown: they have not been told
 * yet. But a vehicle that has only just come back, or has said nothing of a lens for long, leaves in the open what it has
 * not told.
 *
 * @param asOfMs how far the vehicle's last word on the lens reaches
 */
export function frontierOf(
  { connected, asOfMs }: { readonly connected: boolean; readonly asOfMs: EpochMs | undefined },
  nowMs: EpochMs,
): EpochMs {
  return connected && asOfMs !== undefined && isRecent(asOfMs, nowMs) ? Math.min(nowMs, asOfMs) : nowMs;
}
