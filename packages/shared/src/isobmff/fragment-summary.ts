import type { InitSegment } from './init-segment.js';
import { primaryTrack } from './init-segment.js';
import type { MovieFragment } from './movie-fragment.js';
import { parseFragment } from './movie-fragment.js';
import { SampleCursor } from './sample-cursor.js';

/** What a recorder needs to know of a fragment of one track, without its samples. */
export interface TrackSummary {
  readonly trackId: number;
  /** Decode time of the first sample. */
  readonly startTicks: number;
  readonly durationTicks: number;
  /** At least 1. */
  readonly sampleCount: number;
  readonly firstSample: {
    readonly sync: boolean;
    /** From the start of the fragment. */
    readonly offset: number;
    readonly sizeBytes: number;
  };
}

export interface FragmentSummary {
  readonly number: number;
  /** The tracks that have samples here, in file order. */
  readonly tracks: readonly TrackSummary[];
  /** That of the {@link primaryTrack}; `undefined` when the fragment has none of its samples, as at a stream's end. */
  readonly primary: TrackSummary | undefined;
}

/** Reads a whole fragment, `moof` and `mdat`, for its totals only. Throws as {@link parseFragment} does. */
export function fragmentSummary(bytes: Uint8Array, init: InitSegment): FragmentSummary {
  return summaryOf(parseFragment(bytes, init), init);
}

export function summaryOf(fragment: MovieFragment, init: InitSegment): FragmentSummary {
  const tracks: TrackSummary[] = [];
  for (const part of fragment.tracks) {
    const first = new SampleCursor(part);
    if (!first.next()) continue;
    tracks.push({
      trackId: part.track.id,
      startTicks: part.startTicks,
      durationTicks: part.durationTicks,
      sampleCount: part.sampleCount,
      firstSample: { sync: first.sync, offset: first.offset, sizeBytes: first.sizeBytes },
    });
  }
  const primaryId = primaryTrack(init).id;
  const primary = tracks.find((one) => one.trackId === primaryId);
  return { number: fragment.number, tracks, primary };
}
