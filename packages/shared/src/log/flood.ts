import type { Clock, DurationMs } from '../time/index.js';

/**
 * Keeps a repeated event from flooding the log: the first of a key is reported at once, those that follow within
 * the interval are only counted, and the next one after it is reported with the count of the silent ones.
 */
export class Flood {
  readonly #clock: Clock;
  readonly #intervalMs: DurationMs;
  readonly #seen = new Map<string, { untilMs: number; silent: number }>();

  constructor(clock: Clock, intervalMs: DurationMs) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
  }

  /** Calls `report` with how many were kept silent since the last report, or counts this one silently. */
  report(key: string, report: (silent: number) => void): void {
    const now = this.#clock.monotonicMs();
    const entry = this.#seen.get(key);
    if (entry && now < entry.untilMs) {
      entry.silent++;
      return;
    }
    this.#seen.set(key, { untilMs: now + this.#intervalMs, silent: 0 });
    report(entry?.silent ?? 0);
  }
}
