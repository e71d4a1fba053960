import type { LensName, Random, RunId, VehicleId } from '@gapless/shared/ids';
import { newRunId } from '@gapless/shared/ids';
import type { InitSegment, MediaMtxSegment, SegmentClock, SegmentIdentity } from '@gapless/shared/isobmff';
import { primaryTrack, wallMs } from '@gapless/shared/isobmff';
import type { EpochMs } from '@gapless/shared/time';
import { PLAUSIBLE_FROM_MS } from '@gapless/shared/time';
import type { NewRun } from '../index/rows.js';
import { ADOPTED_BOOT } from '../index/rows.js';

export interface RunStart {
  readonly vehicle: VehicleId;
  readonly lens: LensName;
  readonly initBytes: Uint8Array;
  readonly init: InitSegment;
  /** Wall time of its first picture. */
  readonly startMs: EpochMs;
  readonly random: Random;
}

/** A run of adopted footage as it grows, across files as long as each continues the one before it. */
export class AdoptedRun {
  readonly id: RunId;
  /** Of the file that it reached last. */
  mediaMtx: MediaMtxSegment | undefined;
  readonly #start: RunStart;
  #clock: SegmentClock;
  #endTicks = 0;
  #nextSeq = 0;
  #nextFragment = 0;

  constructor(start: RunStart, id = newRunId(start.startMs, start.random)) {
    this.#start = start;
    this.id = id;
    this.#clock = {
      startMs: start.startMs,
      startTicks: 0,
      timescale: primaryTrack(start.init).timescale,
      ppm: 0,
    };
  }

  copy(): AdoptedRun {
    const copy = new AdoptedRun(this.#start, this.id);
    copy.mediaMtx = this.mediaMtx;
    copy.#clock = this.#clock;
    copy.#endTicks = this.#endTicks;
    copy.#nextSeq = this.#nextSeq;
    copy.#nextFragment = this.#nextFragment;
    return copy;
  }

  get init(): InitSegment {
    return this.#start.init;
  }

  get initBytes(): Uint8Array {
    return this.#start.initBytes;
  }

  /** Where the next picture stands on the run's media clock. */
  get endTicks(): number {
    return this.#endTicks;
  }

  get endMs(): EpochMs {
    return wallMs(this.#clock, this.#endTicks);
  }

  get row(): NewRun {
    const { lens, init, startMs } = this.#start;
    const primary = primaryTrack(init);
    return {
      ...{ lens, run: this.id, bootId: ADOPTED_BOOT, monotonicMs: 0, startMs },
      clockTrusted: this.#isTrusted,
      codecs: init.tracks.map(({ codec }) => codec),
      width: primary.width,
      height: primary.height,
    };
  }

  /** From here on the media clock passes at another rate. */
  correct(ppm: number): void {
    this.#clock = { ...this.#clock, startMs: this.endMs, startTicks: this.#endTicks, ppm };
  }

  /** Number of the next fragment. */
  get nextFragment(): number {
    return this.#nextFragment;
  }

  /** Takes up the next fragment. */
  take(durationTicks: number): void {
    this.#endTicks += durationTicks;
    this.#nextFragment++;
  }

  /** The identity of the next segment, which begins with the next fragment. */
  nextSegment(): SegmentIdentity {
    const { vehicle, lens } = this.#start;
    return {
      ...{ vehicle, lens, run: this.id, seq: this.#nextSeq++, firstFragment: this.#nextFragment },
      ...this.#clock,
      ...{ bootId: ADOPTED_BOOT, monotonicMs: 0, clock: this.#isTrusted ? 'trusted' : 'untrusted' },
    };
  }

  get #isTrusted(): boolean {
    return this.#start.startMs >= PLAUSIBLE_FROM_MS;
  }
}
