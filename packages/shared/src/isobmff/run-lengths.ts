import { U32Column } from './u32-column.js';

/** A column of a sample table in which equal neighbours are counted, as `stts` and `ctts` keep them. */
export class RunLengths {
  readonly #counts = new U32Column();
  readonly #values = new U32Column();
  #runCount = 0;
  #runValue: number | undefined;

  add(value: number): void {
    if (value === this.#runValue) {
      this.#counts.last = ++this.#runCount;
      return;
    }
    this.#runValue = value;
    this.#runCount = 1;
    this.#counts.push(1);
    this.#values.push(value);
  }

  /** Count and value of each run, in turn. */
  pairs(): Uint32Array {
    const counts = this.#counts.values();
    const values = this.#values.values();
    const out = new Uint32Array(counts.length * 2);
    for (let i = 0; i < counts.length; i++) {
      out[2 * i] = counts[i]!;
      out[2 * i + 1] = values[i]!;
    }
    return out;
  }
}
