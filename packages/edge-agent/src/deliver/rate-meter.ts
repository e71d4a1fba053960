import type { Clock } from '@gapless/shared/time';
import { SECOND_MS } from '@gapless/shared/time';

/** The rate is that of so long: steady enough to read, quick enough to show a stall. */
const SPAN_MS = 5 * SECOND_MS;

/** Bytes a second over the last five seconds. */
export class RateMeter {
  readonly #clock: Clock;
  readonly #samples: { readonly atMs: number; readonly bytes: number }[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes note of how many bytes are done; returns the rate, `undefined` while it cannot be told. */
  note(bytes: number): number | undefined {
    const atMs = this.#clock.monotonicMs();
    this.#samples.push({ atMs, bytes });
    while (this.#samples.length > 2 && this.#samples[1]!.atMs <= atMs - SPAN_MS) this.#samples.shift();
    const first = this.#samples[0]!;
    if (atMs <= first.atMs) return undefined;
    return Math.max(0, Math.round(((bytes - first.bytes) * SECOND_MS) / (atMs - first.atMs)));
  }

  /** What follows is counted anew. */
  reset(): void {
    this.#samples.length = 0;
  }
}
