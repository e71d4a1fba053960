/** When a fragment arrived, on the monotonic clock, and the media time at which it ends. */
export interface Arrival {
  readonly atMs: number;
  readonly mediaEndMs: number;
  readonly mediaDurationMs: number;
}

/** A fragment that comes this close to its own duration after the one before was not waiting in a queue. */
const PACED_RATIO = 0.7;
/** After this many, or this long, the run cannot wait any longer for its anchor. */
const MAX_ARRIVALS = 16;
const MAX_WAIT_MS = 3_000;

/** The least lag is looked for in the last two of these, so that the camera's drift shows. */
const PERIOD_MS = 60_000;

/**
 * Finds the instant at which a run's media clock stood at 0, and goes on watching it.
 *
 * While ffmpeg probes a camera it queues what arrives and then hands it over in a burst, so the first fragments can be
 * seconds late. A fragment is never early: the least of all lags is the truth, once fragments come at their own pace.
 */
export class ArrivalWatch {
  #arrivals = 0;
  #firstAtMs = 0;
  #lastAtMs = 0;
  #leastLagMs = Number.POSITIVE_INFINITY;
  #formerLeastLagMs = Number.POSITIVE_INFINITY;
  #periodEndsMs = Number.POSITIVE_INFINITY;
  #settled = false;

  /** Takes note of a fragment. */
  add(arrival: Arrival): void {
    const sinceLastMs = arrival.atMs - this.#lastAtMs;
    if (this.#arrivals === 0) this.#firstAtMs = arrival.atMs;
    else if (sinceLastMs >= arrival.mediaDurationMs * PACED_RATIO) this.#settle(arrival.atMs);
    this.#arrivals++;
    this.#lastAtMs = arrival.atMs;
    this.#startPeriod(arrival.atMs);
    this.#leastLagMs = Math.min(this.#leastLagMs, arrival.atMs - arrival.mediaEndMs);
    if (this.#arrivals >= MAX_ARRIVALS || arrival.atMs - this.#firstAtMs >= MAX_WAIT_MS)
      this.#settle(arrival.atMs);
  }

  /** Whether {@link originMs} can be relied on. */
  get isSettled(): boolean {
    return this.#settled;
  }

  /** Monotonic instant of media time 0, by the fragment that came with the least delay of late. */
  get originMs(): number {
    return Math.min(this.#leastLagMs, this.#formerLeastLagMs);
  }

  #settle(atMs: number): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#periodEndsMs = atMs + PERIOD_MS;
  }

  #startPeriod(atMs: number): void {
    if (atMs < this.#periodEndsMs) return;
    this.#formerLeastLagMs = this.#leastLagMs;
    this.#leastLagMs = Number.POSITIVE_INFINITY;
    this.#periodEndsMs = atMs + PERIOD_MS;
  }
}
