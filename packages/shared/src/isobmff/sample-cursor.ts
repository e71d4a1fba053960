import type { TrackFragment } from './track-fragment.js';
import { ROW_COMPOSITION, ROW_DURATION, ROW_FLAGS, ROW_SIZE } from './track-fragment.js';

/** `sample_is_non_sync_sample` of the sample flags (ISO/IEC 14496-12 section 8.8.3.1). */
const NON_SYNC = 0x10000;

/**
 * Walks the samples of a track fragment in decode order. It holds the current sample in its own fields, so that
 * walking a hundred thousand samples allocates nothing: `while (cursor.next()) total += cursor.sizeBytes;`
 */
export class SampleCursor {
  /** Decode time. */
  decodeTicks = 0;
  durationTicks = 0;
  /** Composition time minus decode time; may be negative. */
  compositionTicks = 0;
  sizeBytes = 0;
  /** Where the sample begins, from the start of the `moof`. */
  offset = 0;
  sync = false;

  readonly #fragment: TrackFragment;
  #run = -1;
  #rowsLeft = 0;
  #at = 0;
  #nextDecodeTicks: number;
  #nextOffset = 0;
  #first = false;

  constructor(fragment: TrackFragment) {
    this.#fragment = fragment;
    this.#nextDecodeTicks = fragment.startTicks;
  }

  /** Moves to the next sample; `false` when there is none. */
  next(): boolean {
    while (this.#rowsLeft === 0) {
      const run = this.#fragment.runs[++this.#run];
      if (!run) return false;
      this.#rowsLeft = run.sampleCount;
      this.#at = 0;
      this.#nextOffset = run.offset;
      this.#first = true;
    }
    const { flags, rows, firstSampleFlags } = this.#fragment.runs[this.#run]!;
    const { defaults } = this.#fragment;
    let at = this.#at;
    // In wire order; each column is there for all rows of a run or for none.
    this.durationTicks = flags & ROW_DURATION ? rows.getUint32(at) : defaults.durationTicks;
    if (flags & ROW_DURATION) at += 4;
    this.sizeBytes = flags & ROW_SIZE ? rows.getUint32(at) : defaults.sizeBytes;
    if (flags & ROW_SIZE) at += 4;
    let sampleFlags = flags & ROW_FLAGS ? rows.getUint32(at) : defaults.flags;
    if (flags & ROW_FLAGS) at += 4;
    // Version 0 calls the offset unsigned, yet one of 2^31 ticks or more is a negative one from an older muxer.
    this.compositionTicks = flags & ROW_COMPOSITION ? rows.getInt32(at) : 0;
    if (flags & ROW_COMPOSITION) at += 4;
    if (this.#first && firstSampleFlags !== undefined) sampleFlags = firstSampleFlags;
    this.sync = (sampleFlags & NON_SYNC) === 0;
    this.decodeTicks = this.#nextDecodeTicks;
    this.offset = this.#nextOffset;
    this.#nextDecodeTicks += this.durationTicks;
    this.#nextOffset += this.sizeBytes;
    this.#first = false;
    this.#at = at;
    this.#rowsLeft--;
    return true;
  }
}
