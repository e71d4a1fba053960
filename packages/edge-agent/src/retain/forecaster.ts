import type { LensName } from '@gapless/shared/ids';
import type { Clock, EpochMs } from '@gapless/shared/time';
import { HOUR_MS, SECOND_MS } from '@gapless/shared/time';
import type { IndexReader } from '../index/index-reader.js';
import { forecast, recordingRate } from './forecast-policy.js';
import type { RetentionLimits } from './retention-policy.js';

export interface ForecasterPort {
  readonly reader: IndexReader;
  readonly clock: Clock;
  readonly limits: RetentionLimits;
  /** Bytes that the recordings may take at all, as the disk is now. */
  readonly roomBytes: () => Promise<number>;
  /** Bytes of the segments that are being written. */
  readonly openBytes: () => number;
}

/** A forecast holds for so long; rates change slowly, and it is asked for with every heartbeat. */
const HOLDS_MS = 10 * SECOND_MS;
/** What was recorded in this time says how fast it goes on. */
const RATE_WINDOW_MS = HOUR_MS;

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
    const nowMs = clock.nowMs();
    const lately = { startMs: nowMs - RATE_WINDOW_MS, endMs: nowMs };
    return forecast({
      nowMs,
      limits,
      slackBytes: room - reader.segments.totalBytes() - openBytes(),
      spareBytes: reader.forecast.spareBytes(),
      lenses: reader.lenses().map((lens) => {
        const oldest = reader.forecast.oldestAtRisk(lens);
        return {
          lens,
          rateBytesPerSec: recordingRate(reader.forecast.recorded(lens, lately), nowMs),
          oldest,
          olderBytes: oldest ? reader.forecast.atRiskBytesBefore(oldest.startMs) : 0,
        };
      }),
    });
  }
}
