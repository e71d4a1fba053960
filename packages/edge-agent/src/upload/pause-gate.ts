import { BLOCK_BYTES } from '@gapless/shared/protocol';
import type { Clock, DurationMs } from '@gapless/shared/time';

/** A pause waits this long for the end of the block, then stops in the middle of it. */
const GRACE_MS: DurationMs = 1_000;

/**
 * Lets uploads pause where it costs nothing: at the end of a block, since a block is what is checked and sent again.
 * On a link too slow to get there within a second they pause where they are.
 */
export class PauseGate {
  readonly #clock: Clock;
  #pausedMs: number | undefined;
  #waiting = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isPaused(): boolean {
    return this.#pausedMs !== undefined;
  }

  pause(): void {
    this.#pausedMs ??= this.#clock.monotonicMs();
  }

  resume(): void {
    this.#pausedMs = undefined;
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const wake of waiting) wake();
  }

  /** Whether an upload that stands at `offset` must wait. */
  holds(offset: number): boolean {
    if (this.#pausedMs === undefined) return false;
    return offset % BLOCK_BYTES === 0 || this.#clock.monotonicMs() - this.#pausedMs >= GRACE_MS;
  }

  /** How long the next piece may be: while a pause is coming no piece reaches over the end of its block. */
  pieceBytes(offset: number, wantedBytes: number): number {
    return this.isPaused ? Math.min(wantedBytes, BLOCK_BYTES - (offset % BLOCK_BYTES)) : wantedBytes;
  }

  /** Resolves when an upload that stands at `offset` may go on; rejects with the signal's reason. */
  async pass(offset: number, signal: AbortSignal): Promise<void> {
    while (this.holds(offset)) await this.#resumed(signal);
  }

  #resumed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const wake = (): void => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      const onAbort = (): void => {
        this.#waiting.delete(wake);
        reject(signal.reason as Error);
      };
      signal.throwIfAborted();
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.add(wake);
    });
  }
}
