/**
 * Whether there is room to record. Retention closes and opens it; the recorders end their runs when it closes and wait
 * at it until it opens. That of a lens is closed as well while that of the disk, `outer`, is.
 */
export class RecordingGate {
  readonly #outer: RecordingGate | undefined;
  #closedBecause: string | undefined;
  readonly #onClose = new Set<() => void>();
  readonly #onOpen = new Set<() => void>();

  constructor(outer?: RecordingGate) {
    this.#outer = outer;
  }

  /** Why nothing may be recorded, in words for people; undefined while it may. */
  get closedBecause(): string | undefined {
    return this.#closedBecause ?? this.#outer?.closedBecause;
  }

  /** This gate alone, for who closes and opens it. */
  get own(): Pick<RecordingGate, 'closedBecause' | 'close' | 'open'> {
    const because = (): string | undefined => this.#closedBecause;
    return {
      get closedBecause() {
        return because();
      },
      close: (why) => this.close(why),
      open: () => this.open(),
    };
  }

  close(why: string): void {
    const wasOpen = this.#closedBecause === undefined;
    this.#closedBecause = why;
    if (wasOpen) for (const listener of [...this.#onClose]) listener();
  }

  open(): void {
    this.#closedBecause = undefined;
    for (const listener of [...this.#onOpen]) listener();
  }

  /** Calls `listener` when the gate closes; at once if it is closed. Returns how to stop that. */
  onClose(listener: () => void): () => void {
    this.#onClose.add(listener);
    if (this.#closedBecause !== undefined) listener();
    const stopOuter = this.#outer?.onClose(listener);
    return () => {
      this.#onClose.delete(listener);
      stopOuter?.();
    };
  }

  /** Resolves when the gate is open, or the signal aborts. */
  async whenOpen(signal: AbortSignal): Promise<void> {
    while (this.closedBecause !== undefined && !signal.aborted) {
      await this.#outer?.whenOpen(signal);
      await this.#whenOpened(signal);
    }
  }

  async #whenOpened(signal: AbortSignal): Promise<void> {
    if (this.#closedBecause === undefined || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.#onOpen.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#onOpen.add(done);
      signal.addEventListener('abort', done, { once: true });
    });
  }
}
