import type { Clock, DurationMs } from '@gapless/shared/time';
import { SECOND_MS } from '@gapless/shared/time';

/** What may go at once after a rest: a quarter of a second's worth. */
const BURST_MS = 250;
const MIN_BURST_BYTES = 64 * 1024;

/**
 * A token bucket: an upper bound on the rate of sending, over a quarter of a second and longer. One may stand below
 * another that several share: then both bounds hold.
 */
export class RateLimiter {
  readonly #clock: Clock;
  readonly #shared: RateLimiter | undefined;
  #rateBytesPerSec: number | undefined;
  #tokens = 0;
  #filledMs: number;

  constructor(clock: Clock, shared?: RateLimiter) {
    this.#clock = clock;
    this.#shared = shared;
    this.#filledMs = clock.monotonicMs();
  }

  /** @param rateBytesPerSec `undefined` lifts the limit */
  set(rateBytesPerSec: number | undefined): void {
    this.#fill();
    if (this.#rateBytesPerSec === undefined) this.#tokens = 0;
    this.#rateBytesPerSec = rateBytesPerSec;
  }

  /** Takes `bytes` if they may go now and returns 0; otherwise takes nothing and returns how long to wait. */
  take(bytes: number): DurationMs {
    const rate = this.#rateBytesPerSec;
    this.#fill();
    // A piece may overdraw the bucket, so that one larger than the burst still goes, and the next waits for both.
    if (rate !== undefined && this.#tokens < 0) return Math.ceil((-this.#tokens / rate) * SECOND_MS);
    const sharedMs = this.#shared?.take(bytes) ?? 0;
    if (sharedMs === 0 && rate !== undefined) this.#tokens -= bytes;
    return sharedMs;
  }

  #fill(): void {
    const now = this.#clock.monotonicMs();
    const rate = this.#rateBytesPerSec ?? 0;
    const burst = Math.max(MIN_BURST_BYTES, (rate * BURST_MS) / SECOND_MS);
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#filledMs) * rate) / SECOND_MS);
    this.#filledMs = now;
  }
}
