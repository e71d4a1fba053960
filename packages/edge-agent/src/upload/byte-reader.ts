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

  /** The next `count` bytes; fewer only at the end of the source. The source must not reuse the memory it yielded. */
  async take(count: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let missing = count;
    while (missing > 0) {
      if (this.#chunk.length === 0 && !(await this.#fill())) break;
      const part = this.#cut(Math.min(missing, this.#chunk.length));
      parts.push(part);
      missing -= part.length;
    }
    return parts.length === 1 ? parts[0]! : new Uint8Array(Buffer.concat(parts));
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
