import type { PressureLimits } from './pressure-policy.js';
import { mustRest, REQUEST_OVERHEAD_BYTES } from './pressure-policy.js';

/** What all sessions together hold in requests that are not answered yet. */
export interface SharedPressure {
  totalBytes: number;
}

/** Counts what one session holds in unanswered writes and lets its socket rest while that is too much. */
export class PressureGauge {
  readonly #shared: SharedPressure;
  readonly #limits: PressureLimits;
  readonly #socket: { pause(): void; resume(): void };
  #heldBytes = 0;
  #resting = false;

  constructor(shared: SharedPressure, limits: PressureLimits, socket: { pause(): void; resume(): void }) {
    this.#shared = shared;
    this.#limits = limits;
    this.#socket = socket;
  }

  /** A request of `bytes` came in. */
  take(bytes: number): void {
    this.#change(bytes + REQUEST_OVERHEAD_BYTES);
  }

  /** A request of `bytes` was answered, or can never be. */
  give(bytes: number): void {
    this.#change(-bytes - REQUEST_OVERHEAD_BYTES);
  }

  #change(bytes: number): void {
    this.#heldBytes += bytes;
    this.#shared.totalBytes += bytes;
    // A session that rests holds requests of its own, so their answers come by here and wake it.
    const rest = mustRest(this.#heldBytes, this.#shared.totalBytes, this.#limits);
    if (rest === this.#resting) return;
    this.#resting = rest;
    if (rest) this.#socket.pause();
    else this.#socket.resume();
  }
}
