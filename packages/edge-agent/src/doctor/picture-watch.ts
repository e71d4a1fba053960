import type { InitSegment, Track } from '@gapless/shared/isobmff';
import { FragmentSplitter, fragmentSummary, parseInitSegment } from '@gapless/shared/isobmff';
import type { DurationMs } from '@gapless/shared/time';

/** What was seen of a camera. */
export interface Picture {
  readonly video: Pick<Track, 'codec' | 'width' | 'height'> | undefined;
  readonly sound: Pick<Track, 'codec' | 'channels' | 'sampleRate'> | undefined;
  /** How much video came. */
  readonly watchedMs: DurationMs;
  readonly framesPerSecond: number;
  /** Longest time between two keyframes; undefined when a second one did not come. */
  readonly keyframeMs: DurationMs | undefined;
}

/** With this many keyframes their distance is known. */
const KEYFRAMES = 4;

/** Looks at the fragmented MP4 that a recorder child makes of a camera. */
export class PictureWatch {
  readonly #splitter = new FragmentSplitter();
  readonly #patienceMs: DurationMs;
  #init: InitSegment | undefined;
  #frames = 0;
  #ticks = 0;
  /** Decode times of the keyframes. A keyframe begins a fragment, so no other sample has to be looked at. */
  readonly #syncTicks: number[] = [];

  /** @param patienceMs how much video is watched at most */
  constructor(patienceMs: DurationMs) {
    this.#patienceMs = patienceMs;
  }

  /**
   * Takes what came next; returns whether enough has been seen.
   *
   * @throws MP4_*
   */
  push(chunk: Uint8Array): boolean {
    for (const piece of this.#splitter.push(chunk)) {
      if (piece.kind === 'init') this.#init = parseInitSegment(piece.bytes);
      else this.#take(piece.bytes, this.#init!);
    }
    return this.#syncTicks.length >= KEYFRAMES || this.#watchedMs >= this.#patienceMs;
  }

  /** Undefined while nothing has come. */
  get picture(): Picture | undefined {
    if (!this.#init || this.#frames === 0) return undefined;
    const { tracks } = this.#init;
    const distances = this.#syncTicks.slice(1).map((ticks, index) => ticks - this.#syncTicks[index]!);
    return {
      video: tracks.find(({ kind }) => kind === 'video'),
      sound: tracks.find(({ kind }) => kind === 'audio'),
      watchedMs: this.#watchedMs,
      framesPerSecond: (1000 * this.#frames) / Math.max(1, this.#watchedMs),
      keyframeMs: distances.length === 0 ? undefined : this.#ms(Math.max(...distances)),
    };
  }

  #take(fragment: Uint8Array, init: InitSegment): void {
    const { primary } = fragmentSummary(fragment, init);
    if (!primary) return;
    this.#frames += primary.sampleCount;
    this.#ticks += primary.durationTicks;
    if (primary.firstSample.sync) this.#syncTicks.push(primary.startTicks);
  }

  get #watchedMs(): DurationMs {
    return this.#ms(this.#ticks);
  }

  #ms(ticks: number): DurationMs {
    const track =
      this.#init?.tracks.find(({ kind }) => kind === 'video') ??
      this.#init?.tracks.find(({ kind }) => kind === 'audio');
    return track ? Math.round((ticks * 1000) / track.timescale) : 0;
  }
}
