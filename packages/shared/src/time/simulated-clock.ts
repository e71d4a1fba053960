import type { Clock, Timer } from './clock.js';
import type { DurationMs, EpochMs } from './epoch.js';

interface Pending {
  readonly dueMs: number;
  readonly order: number;
  readonly fire: () => void;
}

/** How many turns of the microtask queue a step yields, so that promise chains settle before time moves on. */
const SETTLE_TURNS = 32;

/**
 * A clock that moves only when told to, for tests that span hours in milliseconds.
 * `advance` fires due timers in order and lets promises settle between them; `jumpWall` moves the wall clock alone,
 * as NTP or a dead battery would.
 */
export class SimulatedClock implements Clock {
  #monotonicMs = 0;
  #wallOffsetMs: number;
  #order = 0;
  readonly #pending = new Set<Pending>();

  constructor(startMs: EpochMs = Date.UTC(2026, 0, 1)) {
    this.#wallOffsetMs = startMs;
  }

  nowMs(): EpochMs {
    return Math.floor(this.#wallOffsetMs + this.#monotonicMs);
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  schedule(delayMs: DurationMs, fire: () => void): Timer {
    const entry: Pending = { dueMs: this.#monotonicMs + Math.max(0, delayMs), order: this.#order++, fire };
    this.#pending.add(entry);
    return { [Symbol.dispose]: () => void this.#pending.delete(entry) };
  }

  /** Moves wall time by `deltaMs` without any time passing. */
  jumpWall(deltaMs: DurationMs): void {
    this.#wallOffsetMs += deltaMs;
  }

  /** Lets `durationMs` pass. Resolves when every timer due in it has fired and its promises have settled. */
  async advance(durationMs: DurationMs): Promise<void> {
    const untilMs = this.#monotonicMs + durationMs;
    await settle();
    for (let next = this.#next(untilMs); next; next = this.#next(untilMs)) {
      this.#monotonicMs = Math.max(this.#monotonicMs, next.dueMs);
      this.#pending.delete(next);
      next.fire();
      await settle();
    }
    this.#monotonicMs = untilMs;
  }

  #next(untilMs: number): Pending | undefined {
    let next: Pending | undefined;
    for (const entry of this.#pending) {
      if (entry.dueMs > untilMs) continue;
      if (!next || entry.dueMs < next.dueMs || (entry.dueMs === next.dueMs && entry.order < next.order))
        next = entry;
    }
    return next;
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < SETTLE_TURNS; turn++) await Promise.resolve();
}
