/** Takes pieces of any wanted size from a source that yields chunks of its own sizes, copying only across their seams. */
export class ByteReader {
  readonly #iterator: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#iterator = source[Symbol.asyncIterator]();
  }

  /** The next `count` bytes if they are at hand already. */
  takeReady(count: number): Uint8Array | undefined {
    return this.#chunk.length >= count ? this.#cut(count) : undefined;
  }

  /**
   * The next `count` bytes; fewer only at the end of the source. They are good until the next call: the source may reuse
   * the memory of a chunk when it is asked for another.
   */
  async take(count: number): Promise<Uint8Array> {
    if (this.#chunk.length === 0 && !(await this.#fill())) return new Uint8Array(0);
    if (this.#chunk.length >= count) return this.#cut(count);
    const joined = new Uint8Array(count);
    let filled = 0;
    while (filled < count && (this.#chunk.length > 0 || (await this.#fill()))) {
      const part = this.#cut(Math.min(count - filled, this.#chunk.length));
      joined.set(part, filled);
      filled += part.length;
    }
    return joined.subarray(0, filled);
  }

  /** Lets the source close what it holds. */
  async close(): Promise<void> {
    await this.#iterator.return?.();
  }

  #cut(count: number): Uint8Array {
    const part = this.#chunk.subarray(0, count);
    this.#chunk = this.#chunk.subarray(count);
    return part;
  }

  async #fill(): Promise<boolean> {
    const next = await this.#iterator.next();
    if (next.done) return false;
    this.#chunk = next.value;
    return true;
  }
}
