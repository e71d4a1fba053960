import { AppError } from '../errors/index.js';
import type { Slice } from './movie-chains.js';
import type { PlacedTrack } from './movie-placement.js';
import { lastsFor } from './movie-placement.js';
import { RunLengths } from './run-lengths.js';
import type { Track } from './track.js';
import { U32Column } from './u32-column.js';

/** Samples of one track that lie side by side in a segment's file. */
export interface Chunk {
  readonly segment: number;
  readonly offset: number;
  length: number;
  sampleCount: number;
}

/** Bound on the samples of a movie's track: days of video and sound. */
const MAX_SAMPLES = 2 ** 24;

/** Gathers the samples of one track of a movie into its sample tables, in decode order. */
export class MovieTrack {
  /** Configures the decoder; samples of other segments are configured alike. */
  readonly track: Track;
  readonly timescale: number;
  readonly chunks: Chunk[] = [];
  readonly sizes = new U32Column();
  /** Numbers of the sync samples, from 1. */
  readonly syncNumbers = new U32Column();
  readonly compositions = new RunLengths();
  /** How long each sample lasts until the next is decoded; complete once the track is closed. */
  readonly durations = new RunLengths();
  #firstDecode = 0;
  #firstShown = 0;
  #lastDecode = 0;
  #lastDuration = 0;
  #endsAt = Number.NEGATIVE_INFINITY;
  #hasCompositions = false;
  #hasNegativeCompositions = false;

  constructor(track: Track, timescale: number) {
    this.track = track;
    this.timescale = timescale;
  }

  get sampleCount(): number {
    return this.sizes.count;
  }

  /** When the first sample is decoded, in movie time: zero of the media time that the file itself counts in. */
  get firstDecode(): number {
    return this.#firstDecode;
  }

  get firstShown(): number {
    return this.#firstShown;
  }

  /** When the last picture, or sound, has been shown for as long as it lasts. */
  get endsAt(): number {
    return this.#endsAt;
  }

  /** Sum of the durations in `stts`. */
  get mediaDuration(): number {
    return this.#lastDecode + this.#lastDuration - this.#firstDecode;
  }

  /** 0 for a `ctts` without negative offsets, 1 for one with; `undefined` when none is needed. */
  get compositionVersion(): 0 | 1 | undefined {
    if (!this.#hasCompositions) return undefined;
    return this.#hasNegativeCompositions ? 1 : 0;
  }

  /**
   * Appends samples. Each stands at its own place in time; the one before it lasts until then, be it longer (a gap) or
   * shorter than it was recorded.
   */
  append(placed: PlacedTrack, { segment, first, end }: Slice): void {
    const { table, scale, base } = placed;
    if (this.sampleCount + (end - first) > MAX_SAMPLES)
      throw new AppError('MP4_TOO_LARGE', `the movie would have more than ${MAX_SAMPLES} samples`);
    for (let i = first; i < end; i++) {
      const decode = table.decodeTicks[i]!;
      const shown = Math.round((decode + table.compositionTicks[i]!) * scale) - base;
      this.#place(Math.round(decode * scale) - base, shown);
      this.#lastDuration = lastsFor(placed, i);
      this.#endsAt = Math.max(this.#endsAt, shown + this.#lastDuration);
      this.sizes.push(table.sizeBytes[i]!);
      if (table.sync[i] === 1) this.syncNumbers.push(this.sampleCount);
      this.#locate(segment, table.offset[i]!, table.sizeBytes[i]!);
    }
  }

  /** Gives the last sample the length that it was recorded with. Nothing is appended after it. */
  close(): void {
    if (this.sampleCount > 0) this.durations.add(this.#lastDuration);
  }

  #place(decodeWanted: number, shown: number): void {
    let decode = decodeWanted;
    if (this.sampleCount === 0) {
      // The edit list counts from here, and cannot begin before it.
      decode = Math.min(decode, shown);
      this.#firstDecode = decode;
      this.#firstShown = shown;
    } else {
      // Where runs reorder differently, the second can ask to be decoded too early. Decode times are nobody's concern
      // but the decoder's, as long as they rise; the composition offset makes up for it.
      decode = Math.max(decode, this.#lastDecode + 1);
      const duration = decode - this.#lastDecode;
      if (duration > 0xffffffff)
        throw new AppError('MP4_UNSUPPORTED', 'a gap is longer than a sample of a movie can last');
      this.durations.add(duration);
    }
    const composition = shown - decode;
    this.#hasCompositions ||= composition !== 0;
    this.#hasNegativeCompositions ||= composition < 0;
    this.compositions.add(composition);
    this.#lastDecode = decode;
  }

  #locate(segment: number, offset: number, sizeBytes: number): void {
    const chunk = this.chunks.at(-1);
    if (chunk?.segment === segment && chunk.offset + chunk.length === offset) {
      chunk.length += sizeBytes;
      chunk.sampleCount++;
    } else {
      this.chunks.push({ segment, offset, length: sizeBytes, sampleCount: 1 });
    }
  }
}
