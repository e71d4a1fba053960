import type { LensName } from '@gapless/shared/ids';
import type { Clock, DurationMs, EpochMs } from '@gapless/shared/time';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '@gapless/shared/time';
import type { IndexReader } from '../index/index-reader.js';
import type { LensForecastFacts } from './forecast-policy.js';
import { forecast, recordingRate } from './forecast-policy.js';
import type { LensLimits, RetentionLimits } from './retention-policy.js';

export interface ForecasterPort {
  readonly reader: IndexReader;
  readonly clock: Clock;
  readonly limits: () => RetentionLimits;
  readonly lensLimits: () => ReadonlyMap<LensName, LensLimits>;
  /** Bytes that the recordings may take at all, as the disk is now. */
  readonly roomBytes: () => Promise<number>;
  /** Bytes of the segments that are being written, of one lens or of all. */
  readonly openBytes: (lens?: LensName) => number;
}

/** A forecast holds for so long; rates change slowly, and it is asked for with every heartbeat. */
const HOLDS_MS = 10 * SECOND_MS;
/**
 * What was recorded in these times says how fast it goes on: the faster of both, so that a rate that rises is noticed in
 * minutes, and one that falls for a while is not taken for a lasting relief.
 */
const RATE_WINDOWS_MS = [10 * MINUTE_MS, HOUR_MS] as const;

/** Foresees when footage that central does not have will have to be evicted. */
export class Forecaster {
  readonly #port: ForecasterPort;
  #last: { readonly atMs: number; readonly etas: ReadonlyMap<LensName, EpochMs> } | undefined;

  constructor(port: ForecasterPort) {
    this.#port = port;
  }

  /** When each lens will lose footage that central does not have; a lens that is not at risk is left out. */
  async etas(): Promise<ReadonlyMap<LensName, EpochMs>> {
    const atMs = this.#port.clock.monotonicMs();
    if (this.#last && atMs - this.#last.atMs < HOLDS_MS) return this.#last.etas;
    const etas = await this.#foresee();
    this.#last = { atMs, etas };
    return etas;
  }

  async #foresee(): Promise<ReadonlyMap<LensName, EpochMs>> {
    const { reader, clock, limits, roomBytes, openBytes } = this.#port;
    const room = await roomBytes();
    return forecast({
      nowMs: clock.nowMs(),
      whenFull: limits().whenFull,
      slackBytes: room - reader.segments.totalBytes() - openBytes(),
      lenses: reader.lenses().map((lens) => this.#lensFacts(lens)),
    });
  }

  #lensFacts(lens: LensName): LensForecastFacts {
    const { reader, limits, lensLimits, openBytes } = this.#port;
    const own = lensLimits().get(lens);
    const oldest = reader.forecast.oldestAtRisk(lens);
    return {
      ...{ lens, oldest, maxAgeMs: own?.maxAgeMs ?? limits().maxAgeMs },
      rateBytesPerSec: Math.max(...RATE_WINDOWS_MS.map((windowMs) => this.#rate(lens, windowMs))),
      spareBytes: reader.forecast.spareBytes(lens),
      slackBytes:
        own?.maxBytes === undefined
          ? undefined
          : own.maxBytes - reader.segments.evictableBytes(lens) - openBytes(lens),
      olderBytes: oldest ? reader.forecast.atRiskBytesBefore(oldest.startMs) : new Map(),
    };
  }

  #rate(lens: LensName, windowMs: DurationMs): number {
    const { reader, clock } = this.#port;
    const nowMs = clock.nowMs();
    return recordingRate(reader.forecast.recorded(lens, { startMs: nowMs - windowMs, endMs: nowMs }), nowMs);
  }
}
