import type { DurationMs } from '@gapless/shared/time';
import { SECOND_MS } from '@gapless/shared/time';

/** What a handshake costs central: TLS, two signatures and a transaction. */
const HANDSHAKE_MS: DurationMs = 5;

/** A vehicle is not kept away for longer than this for the sake of the others. */
const MAX_SPREAD_MS: DurationMs = 30 * SECOND_MS;

/** Over how long the vehicles that are connected now should spread their return, were central to close their links. */
export function spreadMsOf(vehicles: number): DurationMs {
  return Math.min(MAX_SPREAD_MS, vehicles * HANDSHAKE_MS);
}
