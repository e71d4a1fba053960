import { isCancelled } from '../errors/index.js';
import type { Clock, DurationMs } from '../time/index.js';
import { sleep } from '../time/index.js';

/**
 * Runs `task` every `intervalMs` until the signal aborts, never two at once. The returned promise resolves when the
 * loop has ended; it rejects if `task` throws anything but a cancellation.
 */
export async function every(
  clock: Clock,
  intervalMs: DurationMs,
  signal: AbortSignal,
  task: () => void | Promise<void>,
): Promise<void> {
  try {
    for (;;) {
      await sleep(clock, intervalMs, signal);
      await task();
    }
  } catch (thrown) {
    if (!signal.aborted && !isCancelled(thrown)) throw thrown;
  }
}
