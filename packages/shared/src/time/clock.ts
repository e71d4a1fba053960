import type { DurationMs, EpochMs } from './epoch.js';

/** A running one-shot timer; disposing it before it fires cancels it. */
export interface Timer extends Disposable {
  [Symbol.dispose](): void;
}

/**
 * Time, handed in. Wall time may jump (NTP, GPS, a dead battery); monotonic time never does.
 * Elapsed times, timeouts and heartbeats use `monotonicMs`; only what a person or another machine will read as a
 * date uses `nowMs`.
 */
export interface Clock {
  nowMs(): EpochMs;
  /** Milliseconds since an arbitrary origin, fractional; never decreases within one boot. */
  monotonicMs(): number;
  /** Calls `fire` once after `delayMs`. */
  schedule(delayMs: DurationMs, fire: () => void): Timer;
}

/** Waits `delayMs`; rejects with the signal's reason as soon as the signal aborts. */
export function sleep(clock: Clock, delayMs: DurationMs, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const timer = clock.schedule(delayMs, () => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
    const onAbort = (): void => {
      timer[Symbol.dispose]();
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
