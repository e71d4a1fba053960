import pRetry from 'p-retry';
import { errorKinds, toAppError } from '../errors/index.js';
import type { AppError } from '../errors/index.js';
import type { Random } from '../ids/index.js';
import type { Clock } from '../time/index.js';
import { sleep } from '../time/index.js';
import type { BackoffPolicy } from './backoff.js';
import { fullJitter } from './backoff.js';

export interface RetryPolicy extends BackoffPolicy {
  /** Attempts in all, the first included. */
  readonly attempts: number;
}

export interface RetryContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
  /** Told before each wait: what failed, the number of the failed attempt from 1, and how long the wait will be. */
  readonly onRetry?: (error: AppError, attempt: number, waitMs: number) => void;
}

/**
 * Runs `attempt` until it succeeds, fails in a way that trying again cannot mend, or has used up its attempts.
 * The one retry policy of the product: what may be tried again is decided by the error's kind alone.
 *
 * @throws the last error, as an `AppError`
 */
export async function retry<T>(
  policy: RetryPolicy,
  context: RetryContext,
  attempt: () => Promise<T>,
): Promise<T> {
  const { clock, random, signal, onRetry } = context;
  return pRetry(
    async () => {
      try {
        return await attempt();
      } catch (thrown) {
        throw toAppError(thrown);
      }
    },
    {
      retries: policy.attempts - 1,
      signal,
      // p-retry counts and stops; the waiting is ours, on the clock that was handed in and with jitter after the cap.
      minTimeout: 0,
      maxTimeout: 0,
      shouldRetry: ({ error }) => errorKinds[toAppError(error).kind].retryable,
      onFailedAttempt: async ({ error, attemptNumber, retriesLeft }) => {
        const failure = toAppError(error);
        if (retriesLeft === 0 || !errorKinds[failure.kind].retryable) return;
        const waitMs = fullJitter(policy, attemptNumber - 1, random);
        onRetry?.(failure, attemptNumber, waitMs);
        await sleep(clock, waitMs, signal);
      },
    },
  );
}
