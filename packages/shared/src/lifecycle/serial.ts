/** Runs asynchronous tasks one after another, in the order in which they were handed in. */
export class Serial {
  #tail: Promise<unknown> = Promise.resolve();
  #pending = 0;

  /** Whether everything handed in so far has ended. */
  get isIdle(): boolean {
    return this.#pending === 0;
  }

  /** Resolves or rejects as `task` does; a failed task does not stop the ones behind it. */
  run<T>(task: () => Promise<T>): Promise<T> {
    this.#pending++;
    const result = this.#tail.then(task).finally(() => this.#pending--);
    this.#tail = result.catch(() => undefined);
    return result;
  }

  /** Resolves when everything handed in so far has ended. */
  async idle(): Promise<void> {
    await this.#tail;
  }
}
