import { AppError, toAppError } from '@gapless/shared/errors';
import type { Random } from '@gapless/shared/ids';
import type { Log } from '@gapless/shared/log';
import { Flood } from '@gapless/shared/log';
import { LINK_DEAD_MS } from '@gapless/shared/protocol';
import type { Clock } from '@gapless/shared/time';
import { MINUTE_MS, sleep } from '@gapless/shared/time';
import type { DialFailure } from './dial-policy.js';
import { MAX_DIALS, nextDialMs, SHORT_SESSION_MS, STALL_MS } from './dial-policy.js';
import type { Introduction } from './handshake.js';
import { introduce, receiveChallenge } from './handshake.js';
import type { IdentityFile } from './identity.js';
import type { AccessKeys } from './keys.js';
import { LinkSession } from './link-session.js';
import type { DialOptions, LinkSocket } from './link-socket.js';

export interface LinkClientOptions {
  /** Where central listens for vehicles: `ws:` or `wss:`. */
  readonly url: string;
  readonly ca: string | undefined;
  readonly identity: IdentityFile;
  readonly keys: AccessKeys;
  readonly introduce: () => Introduction;
  readonly dial: (options: DialOptions) => Promise<LinkSocket>;
  /** The addresses that this machine has now. */
  readonly localAddresses: () => ReadonlySet<string>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** How often the state of the link is looked at. */
const TICK_MS = 100;

/** From the first packet to central's welcome: three round trips of TLS and two of ours, on a poor link. */
const DIAL_TIMEOUT_MS = 5_000;

/**
 * Keeps one session with central alive. A session that falls silent is probed by new dials beside it and given up
 * only for a better one, or when it is certainly dead; the first dial that completes its handshake wins.
 */
export class LinkClient {
  /** Called when packets reach central again, before the handshake: whatever else goes there can set out now. */
  onReached: () => void = () => undefined;
  /** Called with each new session, its handshake done; the one before has ended by then. */
  onSession: (session: LinkSession) => void = () => undefined;
  /** Called when there is no session any more. */
  onDown: (why: AppError) => void = () => undefined;

  readonly #options: LinkClientOptions;
  readonly #flood: Flood;
  readonly #dials = new Set<AbortController>();
  /** From which the dials that are under way set out. */
  #addresses: ReadonlySet<string> = new Set();
  /** Settles when no dial is between its hello and central's welcome. */
  #introduced: Promise<unknown> = Promise.resolve();
  #session: LinkSession | undefined;
  #downSinceMs: number;
  #openedAtMs = 0;
  #nextDialAtMs = 0;
  #failures = 0;
  #spreadMs = 0;
  #lastError: AppError | undefined;

  constructor(options: LinkClientOptions) {
    this.#options = options;
    this.#flood = new Flood(options.clock, MINUTE_MS);
    this.#downSinceMs = options.clock.monotonicMs();
  }

  get session(): LinkSession | undefined {
    return this.#session;
  }

  /** Whether there is a session, for how long that has been so, and when the next dial is due while there is none. */
  get state(): { readonly isOpen: boolean; readonly lastedMs: number; readonly nextDialInMs: number } {
    const now = this.#options.clock.monotonicMs();
    const isOpen = this.#session !== undefined;
    return {
      isOpen,
      lastedMs: now - (isOpen ? this.#openedAtMs : this.#downSinceMs),
      nextDialInMs: Math.max(0, this.#nextDialAtMs - now),
    };
  }

  /** Why there is no session, once a dial has failed. */
  get lastError(): AppError | undefined {
    return this.#lastError;
  }

  /** Something changed that makes a dial worth while now. */
  kick(): void {
    this.#nextDialAtMs = 0;
  }

  /** Runs until the signal aborts; then ends the session in an orderly way. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      for (;;) {
        this.#tick();
        await sleep(this.#options.clock, TICK_MS, signal);
      }
    } catch (thrown) {
      if (!signal.aborted) throw thrown;
    } finally {
      this.#abortDials();
      const session = this.#session;
      this.#session = undefined;
      await session?.leave('stopping');
    }
  }

  #tick(): void {
    const session = this.#session;
    if (session && session.silentMs < STALL_MS) {
      this.#abortDials();
      return;
    }
    const addresses = this.#options.localAddresses();
    const { localAddress } = session ?? {};
    const isMoved = localAddress !== undefined && !addresses.has(localAddress);
    if (session && (isMoved || session.silentMs > LINK_DEAD_MS)) session.terminate();
    if (!isSame(addresses, this.#addresses)) {
      // Nothing answers at an address that is gone; waiting for it would only keep others from setting out.
      this.#addresses = addresses;
      this.#abortDials();
      this.kick();
    }
    const now = this.#options.clock.monotonicMs();
    if (now >= this.#nextDialAtMs && this.#dials.size < MAX_DIALS) {
      this.#nextDialAtMs = now + nextDialMs(this.#facts('silent'), this.#options.random);
      void this.#dial();
    }
  }

  async #dial(): Promise<void> {
    const { url, ca, dial, clock, identity, keys } = this.#options;
    const attempt = new AbortController();
    this.#dials.add(attempt);
    let session: LinkSession | undefined;
    const timer = clock.schedule(DIAL_TIMEOUT_MS, () =>
      attempt.abort(
        new AppError('LINK_UNREACHABLE', `central gave no answer within ${DIAL_TIMEOUT_MS / 1000} s`),
      ),
    );
    try {
      const socket = await dial({
        ...{ url, ca, timeoutMs: DIAL_TIMEOUT_MS, signal: attempt.signal },
        onConnected: () => this.onReached(),
      });
      const made = new LinkSession(socket, clock);
      session = made;
      attempt.signal.addEventListener('abort', () => made.terminate(), { once: true });
      const challenge = await receiveChallenge(made);
      await this.#oneAtATime(async () => {
        attempt.signal.throwIfAborted();
        const welcome = await introduce(made, challenge, { identity, keys }, this.#options.introduce());
        attempt.signal.throwIfAborted();
        this.#dials.delete(attempt);
        this.#adopt(made, welcome);
      });
    } catch (thrown) {
      session?.terminate();
      if (this.#dials.delete(attempt)) this.#failed(toAppError(thrown));
    } finally {
      timer[Symbol.dispose]();
    }
  }

  /**
   * When a link returns, several dials get through at once. Central keeps the session of the newest hello and ends the
   * others, so a second hello would end the session that the first has just won.
   */
  async #oneAtATime(introduction: () => Promise<void>): Promise<void> {
    const mine = this.#introduced.then(introduction);
    this.#introduced = mine.catch(() => undefined);
    await mine;
  }

  #adopt(session: LinkSession, welcome: LinkSession['welcome']): void {
    this.#abortDials();
    const former = this.#session;
    this.#session = undefined;
    former?.terminate();
    this.#session = session;
    this.#openedAtMs = this.#options.clock.monotonicMs();
    this.#lastError = undefined;
    session.onEnd = () => this.#lost(session);
    session.begin(welcome);
    this.#options.log.info(
      { session: welcome.session, downMs: Math.round(this.#options.clock.monotonicMs() - this.#downSinceMs) },
      'link open',
    );
    this.onSession(session);
  }

  #lost(session: LinkSession): void {
    if (this.#session !== session) return;
    const why = toAppError(session.signal.reason);
    this.#session = undefined;
    this.#spreadMs = session.spreadMs;
    this.#downSinceMs = this.#options.clock.monotonicMs();
    if (this.#downSinceMs - this.#openedAtMs >= SHORT_SESSION_MS) this.#failures = 0;
    this.#failed(why);
    this.#options.log.warn({ err: why }, 'link lost');
    this.onDown(why);
  }

  #failed(error: AppError): void {
    this.#failures++;
    this.#lastError = error;
    const failure = failureOf(error);
    const waitMs =
      this.#failures === 1 && failure === 'silent'
        ? 0
        : nextDialMs(this.#facts(failure), this.#options.random);
    // A dial that timed out says nothing new: its successors are already on their way.
    if (failure !== 'silent' || this.#failures === 1)
      this.#nextDialAtMs = this.#options.clock.monotonicMs() + waitMs;
    this.#flood.report(error.code, (silent) =>
      this.#options.log.warn({ err: error, silent, waitMs }, 'dial failed'),
    );
  }

  #facts(failure: DialFailure): Parameters<typeof nextDialMs>[0] {
    const downMs = this.#session ? 0 : this.#options.clock.monotonicMs() - this.#downSinceMs;
    return { failure, failures: Math.max(1, this.#failures), downMs, spreadMs: this.#spreadMs };
  }

  #abortDials(): void {
    const dials = [...this.#dials];
    this.#dials.clear();
    for (const dial of dials) dial.abort();
  }
}

function isSame(some: ReadonlySet<string>, others: ReadonlySet<string>): boolean {
  return some.size === others.size && [...some].every((one) => others.has(one));
}

function failureOf(error: AppError): DialFailure {
  switch (error.code) {
    case 'LINK_REFUSED':
    case 'LINK_PROTOCOL':
      return 'refused';
    case 'LINK_CLOSED':
      return 'closed';
    case 'LINK_DENIED':
    case 'LINK_IMPOSTOR':
    case 'LINK_UNTRUSTED':
    case 'NOT_ENROLLED':
      return 'denied';
    default:
      return 'silent';
  }
}
