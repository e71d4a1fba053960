/**
 * Owns resources and disposes of them in reverse order, as `AsyncDisposableStack` will once Node has it.
 * Every disposer runs even when an earlier one fails; the first failure is thrown at the end.
 */
export class Disposal implements AsyncDisposable {
  readonly #disposers: (() => void | Promise<void>)[] = [];

  /** Takes ownership of `resource` and hands it back. */
  use<T extends AsyncDisposable | Disposable>(resource: T): T {
    this.defer(async () => {
      if (Symbol.asyncDispose in resource) await resource[Symbol.asyncDispose]();
      else resource[Symbol.dispose]();
    });
    return resource;
  }

  defer(dispose: () => void | Promise<void>): void {
    this.#disposers.push(dispose);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const failures: unknown[] = [];
    for (let dispose = this.#disposers.pop(); dispose; dispose = this.#disposers.pop()) {
      try {
        await dispose();
      } catch (thrown) {
        failures.push(thrown);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
