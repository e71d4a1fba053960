import type { Clock } from '@gapless/shared/time';
import type { RateLimiter } from './rate-limiter.js';
import type { WindowState } from './window-policy.js';
import { initialWindow, onAck } from './window-policy.js';

/** The longest write that ssh2 sends in one piece to any server, in whole KiB; see the writer. */
export const WRITE_BYTES = 31 * 1024;

/** Leave to have `bytes` on their way; hand it back with `acked` or `lost`. */
export interface Grant {
  readonly bytes: number;
  readonly sentMs: number;
  readonly inFlightBytes: number;
  readonly isFull: boolean;
}

interface Waiter {
  readonly bytes: number;
  readonly granted: (grant: Grant) => void;
}

/**
 * The unacknowledged bytes of all uploads of one session. Who asks first is served first, and each upload asks for one
 * piece at a time, so that uploads side by side share the link evenly, the one that began first in front.
 */
export class UploadWindow {
  readonly #clock: Clock;
  readonly #limiter: RateLimiter;
  readonly #waiting = new Set<Waiter>();
  #state: WindowState;
  #inFlightBytes = 0;
  #rttMs = 0;
  #isTimed = false;

  constructor(clock: Clock, limiter: RateLimiter) {
    this.#clock = clock;
    this.#limiter = limiter;
    this.#state = initialWindow(clock.monotonicMs());
  }

  get limitBytes(): number {
    return this.#state.limitBytes;
  }

  get inFlightBytes(): number {
    return this.#inFlightBytes;
  }

  /** The last round trip of a write, queues included; 0 before the first. */
  get rttMs(): number {
    return this.#rttMs;
  }

  /** The round trip of the empty link. */
  get baseRttMs(): number | undefined {
    return this.#state.baseMs;
  }

  /** Leave for `bytes` if there is room now and nobody waits for it. */
  acquireReady(bytes: number): Grant | undefined {
    return this.#waiting.size === 0 && this.#admits(bytes) ? this.#grant(bytes) : undefined;
  }

  /** Resolves when `bytes` may leave; they must then leave at once. Rejects with the signal's reason. */
  acquire(bytes: number, signal: AbortSignal): Promise<Grant> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const ready = this.acquireReady(bytes);
      if (ready) {
        resolve(ready);
        return;
      }
      const onAbort = (): void => {
        this.#waiting.delete(waiter);
        reject(signal.reason as Error);
        this.#serve();
      };
      const waiter: Waiter = {
        bytes,
        granted: (grant) => {
          signal.removeEventListener('abort', onAbort);
          resolve(grant);
        },
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.add(waiter);
    });
  }

  /** The server has answered for what was granted. */
  acked(grant: Grant): void {
    const nowMs = this.#clock.monotonicMs();
    // Loopback answers within the clock's resolution.
    this.#rttMs = Math.max(nowMs - grant.sentMs, 0.01);
    this.#state = onAck(this.#state, { ...grant, nowMs, rttMs: this.#rttMs });
    this.lost(grant);
  }

  /** What was granted did not leave, or its connection is gone. */
  lost(grant: Grant): void {
    this.#inFlightBytes -= grant.bytes;
    this.#serve();
  }

  /** A new connection: what was learnt of the way may not hold for it. */
  reset(): void {
    this.#state = initialWindow(this.#clock.monotonicMs());
    this.#serve();
  }

  /** Looks again at who waits, after the rate limit was changed. */
  refresh(): void {
    this.#serve();
  }

  #serve(): void {
    for (const waiter of this.#waiting) {
      if (!this.#admits(waiter.bytes)) return;
      this.#waiting.delete(waiter);
      waiter.granted(this.#grant(waiter.bytes));
    }
  }

  #admits(bytes: number): boolean {
    const fits = this.#inFlightBytes === 0 || this.#inFlightBytes + bytes <= this.#state.limitBytes;
    if (!fits) return false;
    const waitMs = this.#limiter.take(bytes);
    if (waitMs === 0) return true;
    if (!this.#isTimed) {
      this.#isTimed = true;
      this.#clock.schedule(waitMs, () => {
        this.#isTimed = false;
        this.#serve();
      });
    }
    return false;
  }

  #grant(bytes: number): Grant {
    this.#inFlightBytes += bytes;
    return {
      bytes,
      sentMs: this.#clock.monotonicMs(),
      inFlightBytes: this.#inFlightBytes,
      isFull: this.#inFlightBytes + WRITE_BYTES > this.#state.limitBytes,
    };
  }
}
