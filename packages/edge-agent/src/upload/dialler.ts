import type { AppError } from '@gapless/shared/errors';
import { cancelled, toAppError } from '@gapless/shared/errors';
import type { Clock, DurationMs, Timer } from '@gapless/shared/time';
import type { DialTiming } from './dial-policy.js';
import { dialEveryMs } from './dial-policy.js';
import type { Remote } from './remote.js';

export interface DiallerOptions {
  readonly connect: (signal: AbortSignal) => Promise<Remote>;
  readonly clock: Clock;
  readonly timing: DialTiming;
  /** Asked before each attempt; when it says no, dialling ends. */
  readonly isNeeded: () => boolean;
  readonly onConnected: (remote: Remote, tookMs: DurationMs) => void;
  readonly onFailed: (error: AppError) => void;
}

/**
 * Tries to connect again and again, several attempts side by side: on a link that has just come back the attempt that
 * began last is often the first to get through.
 */
export class Dialler {
  readonly #options: DiallerOptions;
  readonly #pending = new Set<AbortController>();
  #sinceMs: number | undefined;
  #timer: Timer | undefined;

  constructor(options: DiallerOptions) {
    this.#options = options;
  }

  /** Begins after `delayMs` and goes on as long as it is needed; does nothing if it has begun already. */
  start(delayMs: DurationMs): void {
    const { isNeeded, clock } = this.#options;
    if (this.#timer || !isNeeded()) return;
    this.#sinceMs ??= clock.monotonicMs();
    if (delayMs === 0) this.#dial();
    else this.#dialAfter(delayMs);
  }

  /** Dials now, in place of an attempt that has been waiting if there are too many, and frequently again from now on. */
  hurry(): void {
    const [oldest] = this.#pending;
    if (this.#pending.size >= this.#options.timing.maxPending)
      oldest?.abort(cancelled('a fresh dial takes over'));
    this.#cancelTimer();
    this.#sinceMs = undefined;
    this.start(0);
  }

  /** Gives up every attempt and the plan for further ones. */
  stop(why: string): void {
    this.#cancelTimer();
    this.#sinceMs = undefined;
    for (const attempt of [...this.#pending]) attempt.abort(cancelled(why));
  }

  #cancelTimer(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
  }

  #dialAfter(delayMs: DurationMs): void {
    this.#timer = this.#options.clock.schedule(delayMs, () => {
      this.#timer = undefined;
      if (this.#options.isNeeded()) this.#dial();
      else this.#sinceMs = undefined;
    });
  }

  #dial(): void {
    const { clock, timing, connect, onConnected, onFailed } = this.#options;
    const startedMs = clock.monotonicMs();
    this.#dialAfter(dialEveryMs(startedMs - (this.#sinceMs ?? startedMs), timing));
    if (this.#pending.size >= timing.maxPending) return;
    const attempt = new AbortController();
    this.#pending.add(attempt);
    attempt.signal.addEventListener('abort', () => this.#pending.delete(attempt), { once: true });
    connect(attempt.signal)
      .finally(() => this.#pending.delete(attempt))
      .then(
        (remote) => onConnected(remote, clock.monotonicMs() - startedMs),
        (thrown: unknown) => {
          if (!attempt.signal.aborted) onFailed(toAppError(thrown));
        },
      );
  }
}
