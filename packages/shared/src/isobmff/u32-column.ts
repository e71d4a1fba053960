/** 32-bit numbers in a row, as many as come; wraps negative ones to two's complement as the wire does. */
export class U32Column {
  #values = new Uint32Array(256);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  push(value: number): void {
    if (this.#count === this.#values.length) {
      const wider = new Uint32Array(this.#count * 2);
      wider.set(this.#values);
      this.#values = wider;
    }
    this.#values[this.#count++] = value;
  }

  /** A view of the values so far. */
  values(): Uint32Array {
    return this.#values.subarray(0, this.#count);
  }

  set last(value: number) {
    this.#values[this.#count - 1] = value;
  }
}
