/** The least that may be in the network: one slice and a little, so that the lane never stands still. */
const MIN_BYTES = 24 * 1024;
const MAX_BYTES = 2 * 1024 * 1024;
const START_BYTES = 256 * 1024;

/** Waiting in the network's queues that live video may cause; control messages wait as long. */
const TARGET_QUEUE_MS = 150;

/** The shortest round trip is looked for in the last two of these, so that a longer route is learnt in time. */
const BASE_PERIOD_MS = 30_000;

/** Shares of the acknowledged bytes by which the window moves, at the most. */
const STEP_UP = 0.2;
const STEP_DOWN = 0.5;

/** How many sent marks are kept; one is made for each slice, and a window never holds more. */
const MAX_MARKS = 1024;

/**
 * How many unacknowledged live bytes may be in the network, by the delay they cause (after LEDBAT, RFC 6817): grows
 * while the round trip stays near the shortest one seen, shrinks as soon as a queue builds up.
 */
export class LiveWindow {
  #bytes = START_BYTES;
  #marks: { bytes: number; atMs: number }[] = [];
  #acked = 0;
  /** Until the first queue shows, the window doubles with every round trip. */
  #searching = true;
  #baseMs = Number.POSITIVE_INFINITY;
  #formerBaseMs = Number.POSITIVE_INFINITY;
  #periodEndsMs = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** `total` bytes have been sent by `atMs`. */
  sent(total: number, atMs: number): void {
    if (this.#marks.length < MAX_MARKS) this.#marks.push({ bytes: total, atMs });
  }

  /** `total` bytes had been received when this acknowledgement was made. */
  acknowledged(total: number, atMs: number): void {
    let newest: { bytes: number; atMs: number } | undefined;
    while (this.#marks.length > 0 && this.#marks[0]!.bytes <= total) newest = this.#marks.shift();
    const newBytes = total - this.#acked;
    this.#acked = total;
    if (!newest) return;
    const roundTripMs = atMs - newest.atMs;
    this.#noteBase(roundTripMs, atMs);
    const queueMs = roundTripMs - Math.min(this.#baseMs, this.#formerBaseMs);
    const pull = Math.max(-1, (TARGET_QUEUE_MS - queueMs) / TARGET_QUEUE_MS);
    // An acknowledgement tells of the window of a round trip ago; once a queue was seen, steps are small enough for that.
    if (pull < 0.5) this.#searching = false;
    const step = this.#searching ? 1 : pull > 0 ? STEP_UP : STEP_DOWN;
    this.#bytes = Math.max(MIN_BYTES, Math.min(MAX_BYTES, this.#bytes + pull * newBytes * step));
  }

  #noteBase(roundTripMs: number, atMs: number): void {
    if (atMs >= this.#periodEndsMs) {
      this.#formerBaseMs = this.#baseMs;
      this.#baseMs = Number.POSITIVE_INFINITY;
      this.#periodEndsMs = atMs + BASE_PERIOD_MS;
    }
    this.#baseMs = Math.min(this.#baseMs, roundTripMs);
  }
}
