import { AppError } from '../errors/index.js';

/** Lets so many work at once, in the order in which they came, and turns away those for whom the queue is too long. */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  #free: number;
  readonly #maxWaiting: number;

  constructor(limits: { readonly atOnce: number; readonly waiting: number }) {
    this.#free = limits.atOnce;
    this.#maxWaiting = limits.waiting;
  }

  /**
   * Waits for a turn, which lasts until it is disposed of.
   *
   * @throws SNAPSHOT_BUSY, and the signal's reason
   */
  async take(signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted();
    if (this.#free > 0) this.#free--;
    else await this.#wait(signal);
    return { [Symbol.dispose]: () => this.#pass() };
  }

  #wait(signal: AbortSignal): Promise<void> {
    if (this.#waiting.length >= this.#maxWaiting)
      throw new AppError('SNAPSHOT_BUSY', `${this.#maxWaiting} snapshots are waiting already`);
    return new Promise((resolve, reject) => {
      const go = (): void => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(go), 1);
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.push(go);
    });
  }

  /** A turn goes to who has waited longest. */
  #pass(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free++;
  }
}
