import type { LensName } from '@gapless/shared/ids';
import type { DurationMs, EpochMs } from '@gapless/shared/time';
import { DAY_MS, MAX_EPOCH_MS, SECOND_MS } from '@gapless/shared/time';
import type { RetentionLimits } from './retention-policy.js';

export interface ForecastFacts {
  readonly nowMs: EpochMs;
  readonly limits: Pick<RetentionLimits, 'maxAgeMs' | 'whenFull'>;
  /** What may still be written before anything has to go; negative when the limits are exceeded. */
  readonly slackBytes: number;
  /** What may go without loss: central has it, and nobody protects it. */
  readonly spareBytes: number;
  readonly lenses: readonly LensForecastFacts[];
}

export interface LensForecastFacts {
  readonly lens: LensName;
  /** How fast the lens records. */
  readonly rateBytesPerSec: number;
  /** The oldest footage that central does not have and nobody protects; undefined if there is none. */
  readonly oldest: { readonly endMs: EpochMs; readonly clockTrusted: boolean } | undefined;
  /** Bytes at risk, of all lenses, that are older and go before it. */
  readonly olderBytes: number;
}

/** What lies further ahead is no forecast. */
const HORIZON_MS = 3_650 * DAY_MS;

/**
 * When each lens will have to give up footage that central does not have, if recording goes on as fast and nothing more
 * reaches central: first goes what may go without loss, then the oldest of the rest, whatever the lens. What grows too
 * old goes then at the latest; the room that this makes is not counted, so with a limit of age the forecast may be too
 * early, and never too late. A lens that is not among the answers is not at risk.
 */
export function forecast(facts: ForecastFacts): ReadonlyMap<LensName, EpochMs> {
  const { nowMs, limits, slackBytes, spareBytes, lenses } = facts;
  const rate = lenses.reduce((sum, { rateBytesPerSec }) => sum + rateBytesPerSec, 0);
  const etas = new Map<LensName, EpochMs>();
  for (const { lens, oldest, olderBytes } of lenses) {
    if (!oldest) continue;
    const bytes = Math.max(0, slackBytes + spareBytes + olderBytes);
    const forSpaceMs =
      limits.whenFull === 'evict-oldest' && rate > 0
        ? nowMs + Math.floor((bytes / rate) * SECOND_MS)
        : Number.POSITIVE_INFINITY;
    const forAgeMs =
      limits.maxAgeMs !== undefined && oldest.clockTrusted
        ? Math.max(nowMs, oldest.endMs + limits.maxAgeMs)
        : Number.POSITIVE_INFINITY;
    const etaMs = Math.min(forSpaceMs, forAgeMs);
    if (etaMs <= Math.min(nowMs + HORIZON_MS, MAX_EPOCH_MS)) etas.set(lens, etaMs);
  }
  return etas;
}

/** A rate is not taken from less than this. */
const MIN_SPAN_MS = 10 * SECOND_MS;

/**
 * How fast a lens records, by what it recorded of late: since it began in that time, so that a vehicle that was just
 * started is not taken for one that records little.
 */
export function recordingRate(
  recorded: { readonly bytes: number; readonly firstMs: EpochMs } | undefined,
  untilMs: EpochMs,
): number {
  if (!recorded) return 0;
  const spanMs: DurationMs = Math.max(MIN_SPAN_MS, untilMs - recorded.firstMs);
  return (recorded.bytes * SECOND_MS) / spanMs;
}
