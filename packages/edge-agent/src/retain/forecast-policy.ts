import type { LensName } from '@gapless/shared/ids';
import type { DurationMs, EpochMs } from '@gapless/shared/time';
import { DAY_MS, MAX_EPOCH_MS, SECOND_MS } from '@gapless/shared/time';
import type { RetentionLimits } from './retention-policy.js';

export interface ForecastFacts {
  readonly nowMs: EpochMs;
  readonly whenFull: RetentionLimits['whenFull'];
  /** What may still be written on the disk before anything has to go; negative when the limits are exceeded. */
  readonly slackBytes: number;
  /** All lenses of which there are recordings. */
  readonly lenses: readonly LensForecastFacts[];
}

export interface LensForecastFacts {
  readonly lens: LensName;
  /** How fast the lens records. */
  readonly rateBytesPerSec: number;
  /** What may go of it without loss: central has it, and nobody protects it. */
  readonly spareBytes: number;
  /** What it may still write before its own limit asks for something to go; undefined where it has none. */
  readonly slackBytes: number | undefined;
  readonly maxAgeMs: DurationMs | undefined;
  /** The oldest footage that central does not have and nobody protects; undefined if there is none. */
  readonly oldest: { readonly endMs: EpochMs; readonly clockTrusted: boolean } | undefined;
  /** Bytes at risk of each lens that are older than that and go before it. */
  readonly olderBytes: ReadonlyMap<LensName, number>;
}

/** What lies further ahead is no forecast. */
const HORIZON_MS = 3_650 * DAY_MS;

/**
 * When each lens will have to give up footage that central does not have, if recording goes on as fast and nothing more
 * reaches central: on the disk first goes what may go without loss, then the oldest of the rest, whatever the lens; within
 * the limit of a lens the same of that lens. What grows too old goes then at the latest; the room that this makes is not
 * counted, so with a limit of age the forecast may be too early, and never too late. A lens that is not among the answers
 * is not at risk.
 */
export function forecast(facts: ForecastFacts): ReadonlyMap<LensName, EpochMs> {
  const { nowMs, whenFull, lenses } = facts;
  const etas = new Map<LensName, EpochMs>();
  for (const { lens, oldest, maxAgeMs, rateBytesPerSec, slackBytes, spareBytes } of lenses) {
    if (!oldest) continue;
    const own = { rateBytesPerSec, capacityBytes: Number.POSITIVE_INFINITY };
    const forSpaceSec =
      whenFull === 'evict-oldest'
        ? Math.min(
            secondsUntilFull(slackBytes === undefined ? own.capacityBytes : slackBytes + spareBytes, [own]),
            secondsUntilFull(...onDisk(facts, lens)),
          )
        : Number.POSITIVE_INFINITY;
    const forSpaceMs = nowMs + Math.floor(forSpaceSec * SECOND_MS);
    const forAgeMs =
      maxAgeMs !== undefined && oldest.clockTrusted
        ? Math.max(nowMs, oldest.endMs + maxAgeMs)
        : Number.POSITIVE_INFINITY;
    const etaMs = Math.min(forSpaceMs, forAgeMs);
    if (etaMs <= Math.min(nowMs + HORIZON_MS, MAX_EPOCH_MS)) etas.set(lens, etaMs);
  }
  return etas;
}

/** How fast something is filled by a lens, and how much of it the lens takes at all. */
interface Filling {
  readonly rateBytesPerSec: number;
  readonly capacityBytes: number;
}

/**
 * What has to be written on the disk until the oldest at risk of `lens` has to go, and how the lenses write it. A lens with
 * a limit of its own writes over its own footage once that is reached. Until then, and as long as it is still older footage
 * at risk that it gives up, it brings the disk nearer to that moment.
 */
function onDisk({ slackBytes, lenses }: ForecastFacts, lens: LensName): [number, Filling[]] {
  const { olderBytes } = lenses.find((one) => one.lens === lens)!;
  const older = (one: LensName): number => olderBytes.get(one) ?? 0;
  const bytes = lenses.reduce((sum, one) => sum + one.spareBytes + older(one.lens), slackBytes);
  const fillings = lenses.map((one) => ({
    rateBytesPerSec: one.rateBytesPerSec,
    capacityBytes:
      one.slackBytes === undefined
        ? Number.POSITIVE_INFINITY
        : one.slackBytes + one.spareBytes + older(one.lens),
  }));
  return [bytes, fillings];
}

/** When `bytes` are written; infinite where they never are. A negative capacity is what is given back at once. */
function secondsUntilFull(bytes: number, fillings: readonly Filling[]): number {
  const takesSec = ({ capacityBytes, rateBytesPerSec }: Filling): number => capacityBytes / rateBytesPerSec;
  const writing = fillings
    .filter(({ capacityBytes, rateBytesPerSec }) => capacityBytes > 0 && rateBytesPerSec > 0)
    .sort((a, b) => takesSec(a) - takesSec(b));
  const givenBack = fillings.reduce((sum, { capacityBytes }) => sum - Math.min(0, capacityBytes), 0);
  let left = bytes + givenBack;
  if (left < 0) return 0;
  let rate = writing.reduce((sum, { rateBytesPerSec }) => sum + rateBytesPerSec, 0);
  let atSec = 0;
  for (const next of writing) {
    const until = takesSec(next);
    if (left < rate * (until - atSec)) return atSec + left / rate;
    left -= rate * (until - atSec);
    rate -= next.rateBytesPerSec;
    atSec = until;
  }
  return Number.POSITIVE_INFINITY;
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
