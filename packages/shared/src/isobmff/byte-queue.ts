/** Chunks of a byte stream in the order they came, taken from the front. Chunks are kept as they are, not copied. */
export class ByteQueue {
  readonly #chunks: Uint8Array[] = [];
  #length = 0;
  #position = 0;

  /** Bytes in the queue. */
  get length(): number {
    return this.#length;
  }

  /** Offset of the front of the queue from the start of the stream. */
  get position(): number {
    return this.#position;
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#length += chunk.length;
  }

  /** Up to `count` bytes that begin `offset` bytes behind the front; fewer when there are fewer. They stay queued. */
  peek(offset: number, count: number): Uint8Array {
    const out = new Uint8Array(Math.max(0, Math.min(count, this.#length - offset)));
    let filled = 0;
    let chunkStart = 0;
    for (const chunk of this.#chunks) {
      if (filled === out.length) break;
      const from = offset + filled - chunkStart;
      if (from < chunk.length) {
        const part = chunk.subarray(from, from + out.length - filled);
        out.set(part, filled);
        filled += part.length;
      }
      chunkStart += chunk.length;
    }
    return out;
  }

  /** Removes the first `count` bytes, which must be there, and returns a copy of them as one piece. */
  take(count: number): Uint8Array {
    const out = this.peek(0, count);
    this.drop(count);
    return out;
  }

  /** Removes up to `count` bytes; returns how many there were. */
  drop(count: number): number {
    const dropped = Math.min(count, this.#length);
    let left = dropped;
    let whole = 0;
    while (left > 0 && this.#chunks[whole]!.length <= left) left -= this.#chunks[whole++]!.length;
    this.#chunks.splice(0, whole);
    if (left > 0) this.#chunks[0] = this.#chunks[0]!.subarray(left);
    this.#length -= dropped;
    this.#position += dropped;
    return dropped;
  }
}
