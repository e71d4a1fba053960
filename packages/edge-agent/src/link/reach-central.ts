import { AppError } from '@gapless/shared/errors';
import type { Clock, DurationMs, EpochMs } from '@gapless/shared/time';
import { SECOND_MS } from '@gapless/shared/time';
import { receiveChallenge } from './handshake.js';
import { LinkSession } from './link-session.js';
import type { DialOptions, LinkSocket } from './link-socket.js';

/** What can be learnt of central before anybody has introduced himself. */
export interface CentralReached {
  /** From the first packet to central's first word. */
  readonly tookMs: DurationMs;
  /** Central's clock as it spoke. */
  readonly centralMs: EpochMs;
  /** Ours as it was heard. */
  readonly heardMs: EpochMs;
}

export interface ReachOptions {
  /** Where central listens for vehicles: `ws:` or `wss:`. */
  readonly url: string;
  readonly ca: string | undefined;
  readonly dial: (options: DialOptions) => Promise<LinkSocket>;
  readonly clock: Clock;
}

const TIMEOUT_MS = 10 * SECOND_MS;

/**
 * Goes to central as far as its challenge, and leaves. Nothing is said: a hello would end the session of the agent that
 * may be running beside.
 *
 * @throws LINK_UNREACHABLE, LINK_REFUSED, LINK_UNTRUSTED, LINK_PROTOCOL, LINK_CLOSED, LINK_LOST
 */
export async function reachCentral(options: ReachOptions, signal: AbortSignal): Promise<CentralReached> {
  const { url, ca, dial, clock } = options;
  const slow = new AbortController();
  const timer = clock.schedule(TIMEOUT_MS, () =>
    slow.abort(new AppError('LINK_UNREACHABLE', `central gave no answer within ${TIMEOUT_MS / SECOND_MS} s`)),
  );
  const either = AbortSignal.any([signal, slow.signal]);
  const startedMs = clock.monotonicMs();
  let session: LinkSession | undefined;
  const leave = (): void => session?.terminate();
  try {
    const made = new LinkSession(await dial({ url, ca, timeoutMs: TIMEOUT_MS, signal: either }), clock);
    session = made;
    either.addEventListener('abort', leave, { once: true });
    const { sentMs } = await receiveChallenge(made);
    return { tookMs: clock.monotonicMs() - startedMs, centralMs: sentMs, heardMs: clock.nowMs() };
  } catch (thrown) {
    // What ended the session is what is to be told, and not that it ended.
    either.throwIfAborted();
    throw thrown;
  } finally {
    timer[Symbol.dispose]();
    either.removeEventListener('abort', leave);
    leave();
  }
}
