import { SampleCursor } from './sample-cursor.js';
import type { TrackFragment } from './track-fragment.js';

/**
 * Samples in decode order as columns: an hour of video is a hundred thousand samples, and columns cost 29 bytes each
 * where objects cost ten times that.
 */
export interface SampleTable {
  readonly count: number;
  /** Decode time of each sample. */
  readonly decodeTicks: Float64Array;
  readonly durationTicks: Uint32Array;
  /** Composition time minus decode time; may be negative. */
  readonly compositionTicks: Int32Array;
  readonly sizeBytes: Uint32Array;
  /** Where each sample begins, from the start of the fragment or of the file, as the maker of the table says. */
  readonly offset: Float64Array;
  /** 1 for a sync sample, 0 for others. */
  readonly sync: Uint8Array;
}

/** The samples of one track of one fragment; offsets count from the start of the fragment. */
export function samplesOf(fragment: TrackFragment): SampleTable {
  const builder = new SampleTableBuilder(fragment.sampleCount);
  builder.add(fragment, 0);
  return builder.build();
}

/** Collects the samples of many fragments of one track. */
export class SampleTableBuilder {
  #count = 0;
  #columns: Columns;

  constructor(capacity = 1024) {
    this.#columns = columns(capacity);
  }

  /** Appends the samples of a fragment that lies at `fragmentOffset`. */
  add(fragment: TrackFragment, fragmentOffset: number): void {
    this.#reserve(this.#count + fragment.sampleCount);
    const into = this.#columns;
    const cursor = new SampleCursor(fragment);
    for (let i = this.#count; cursor.next(); i++) {
      into.decodeTicks[i] = cursor.decodeTicks;
      into.durationTicks[i] = cursor.durationTicks;
      into.compositionTicks[i] = cursor.compositionTicks;
      into.sizeBytes[i] = cursor.sizeBytes;
      into.offset[i] = fragmentOffset + cursor.offset;
      into.sync[i] = cursor.sync ? 1 : 0;
    }
    this.#count += fragment.sampleCount;
  }

  /** Appends samples as they are. */
  addTable(table: SampleTable): void {
    this.#reserve(this.#count + table.count);
    const into = this.#columns;
    into.decodeTicks.set(table.decodeTicks, this.#count);
    into.durationTicks.set(table.durationTicks, this.#count);
    into.compositionTicks.set(table.compositionTicks, this.#count);
    into.sizeBytes.set(table.sizeBytes, this.#count);
    into.offset.set(table.offset, this.#count);
    into.sync.set(table.sync, this.#count);
    this.#count += table.count;
  }

  get count(): number {
    return this.#count;
  }

  /** The table so far, in no more memory than it needs: a day of video is thousands of tables. */
  build(): SampleTable {
    const count = this.#count;
    const from = this.#columns;
    return {
      count,
      decodeTicks: from.decodeTicks.slice(0, count),
      durationTicks: from.durationTicks.slice(0, count),
      compositionTicks: from.compositionTicks.slice(0, count),
      sizeBytes: from.sizeBytes.slice(0, count),
      offset: from.offset.slice(0, count),
      sync: from.sync.slice(0, count),
    };
  }

  #reserve(count: number): void {
    const old = this.#columns;
    if (count <= old.sync.length) return;
    const wider = columns(Math.max(count, old.sync.length * 2));
    wider.decodeTicks.set(old.decodeTicks);
    wider.durationTicks.set(old.durationTicks);
    wider.compositionTicks.set(old.compositionTicks);
    wider.sizeBytes.set(old.sizeBytes);
    wider.offset.set(old.offset);
    wider.sync.set(old.sync);
    this.#columns = wider;
  }
}

type Columns = Omit<SampleTable, 'count'>;

function columns(capacity: number): Columns {
  return {
    decodeTicks: new Float64Array(capacity),
    durationTicks: new Uint32Array(capacity),
    compositionTicks: new Int32Array(capacity),
    sizeBytes: new Uint32Array(capacity),
    offset: new Float64Array(capacity),
    sync: new Uint8Array(capacity),
  };
}
