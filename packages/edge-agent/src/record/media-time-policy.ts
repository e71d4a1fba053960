import { AppError } from '@gapless/shared/errors';
import type { TrackSummary } from '@gapless/shared/isobmff';
import { MAX_SEGMENT_MS } from '@gapless/shared/protocol';
import type { DurationMs } from '@gapless/shared/time';

/** Where a fragment lies in the media time of its run. */
export interface Placement {
  readonly startTicks: number;
  readonly durationTicks: number;
}

/** The longest that a camera may go without a sync sample, by which a segment could begin. */
export const MAX_WITHOUT_SYNC_MS: DurationMs = MAX_SEGMENT_MS / 2;

/** The furthest that media time goes on with one fragment; more is no pause of the camera but a broken clock. */
const MAX_STEP_MS: DurationMs = MAX_SEGMENT_MS / 2;

/** Follows a run's media time from fragment to fragment, and refuses what no segment could hold. */
export class MediaTime {
  readonly #timescale: number;
  #firstTicks: number | undefined;
  #originTicks: number | undefined;
  #endTicks = 0;

  /** @param timescale ticks a second, of the primary track */
  constructor(timescale: number) {
    this.#timescale = timescale;
  }

  /**
   * Takes the next fragment.
   *
   * @param primary what the fragment says of the primary track; undefined for one of sound alone
   * @returns undefined for what cannot be shown, since no sync sample came before it
   * @throws RECORD_TIME_REVERSED, RECORD_TIME_LEAPT, RECORD_NO_SYNC
   */
  take(number: number, primary: TrackSummary | undefined): Placement | undefined {
    if (this.#originTicks === undefined) {
      // A run begins with a sync sample.
      if (primary?.firstSample.sync !== true) {
        this.#waitForSync(primary);
        return undefined;
      }
      this.#originTicks = primary.startTicks;
      this.#endTicks = primary.startTicks;
    }
    // A fragment of sound alone stands at the end of the picture before it and takes no time.
    const startTicks = primary?.startTicks ?? this.#endTicks;
    const durationTicks = primary?.durationTicks ?? 0;
    if (startTicks < this.#endTicks)
      throw new AppError('RECORD_TIME_REVERSED', `fragment ${number} goes back in media time`);
    if (this.#toMs(startTicks + durationTicks - this.#endTicks) > MAX_STEP_MS)
      throw new AppError('RECORD_TIME_LEAPT', `fragment ${number} leaps ahead in media time`);
    this.#endTicks = startTicks + durationTicks;
    return { startTicks, durationTicks };
  }

  /** Milliseconds of media time since the run's first sample, fractional. */
  mediaMs(ticks: number): number {
    return this.#toMs(ticks - this.#originTicks!);
  }

  #waitForSync(primary: TrackSummary | undefined): void {
    if (!primary) return;
    this.#firstTicks ??= primary.startTicks;
    const waitedMs = this.#toMs(primary.startTicks + primary.durationTicks - this.#firstTicks);
    if (waitedMs > MAX_WITHOUT_SYNC_MS) throw noSync(waitedMs);
  }

  #toMs(ticks: number): number {
    return (ticks * 1000) / this.#timescale;
  }
}

/** The camera sends no keyframes, so no segment can begin or end. */
export function noSync(withoutMs: DurationMs): AppError {
  return new AppError('RECORD_NO_SYNC', `the camera sent no keyframe for ${Math.round(withoutMs / 1000)} s`, {
    hint: 'Set a keyframe interval of a few seconds in the camera.',
  });
}
