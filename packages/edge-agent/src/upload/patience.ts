import type { AppError } from '@gapless/shared/errors';
import type { Clock, DurationMs, Timer } from '@gapless/shared/time';
import { forwardAborts } from './aborts.js';

export interface PatienceOptions {
  readonly clock: Clock;
  readonly patienceMs: DurationMs;
  /** Whoever else can stop the work. */
  readonly signals: readonly AbortSignal[];
  /** When anything last got ahead, in monotonic milliseconds; `now` while standing still is intended. */
  readonly headwayMs: () => number;
  /** What the work fails with when patience is at an end. */
  readonly failure: () => AppError;
}

/** Ends work when nothing has got ahead for too long. */
export class Patience implements Disposable {
  readonly #options: PatienceOptions;
  readonly #controller = new AbortController();
  readonly #beganMs: number;
  readonly #unlink: () => void;
  #timer: Timer;

  constructor(options: PatienceOptions) {
    this.#options = options;
    this.#beganMs = options.clock.monotonicMs();
    this.#unlink = forwardAborts(options.signals, this.#controller);
    this.#timer = this.#schedule(options.patienceMs);
  }

  /** Aborts when patience is at an end or any of the given signals aborts. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    this.#timer[Symbol.dispose]();
    this.#unlink();
  }

  #schedule(afterMs: DurationMs): Timer {
    return this.#options.clock.schedule(afterMs, () => {
      const { clock, patienceMs, headwayMs, failure } = this.#options;
      const leftMs = Math.max(this.#beganMs, headwayMs()) + patienceMs - clock.monotonicMs();
      if (leftMs > 0) this.#timer = this.#schedule(Math.ceil(leftMs));
      else this.#controller.abort(failure());
    });
  }
}
