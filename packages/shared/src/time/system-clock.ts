import type { Clock, Timer } from './clock.js';
import type { DurationMs } from './epoch.js';

/** The machine's own clocks. The only file of the product that reads them. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  schedule(delayMs, fire): Timer {
    const handle = setTimeout(fire, delayMs);
    return { [Symbol.dispose]: () => clearTimeout(handle) };
  },
};

/** Calls `fire` after `delayMs`, if the process is still there then; does not keep it alive until then. */
export function deadline(delayMs: DurationMs, fire: () => void): void {
  setTimeout(fire, delayMs).unref();
}
