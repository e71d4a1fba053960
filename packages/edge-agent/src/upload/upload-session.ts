import type { AppError } from '@gapless/shared/errors';
import { cancelled, errorKinds, toAppError } from '@gapless/shared/errors';
import type { Random } from '@gapless/shared/ids';
import type { Clock, DurationMs, Timer } from '@gapless/shared/time';
import type { DialTiming } from './dial-policy.js';
import { livenessOf, redialDelayMs, SHORT_LIFE_MS } from './dial-policy.js';
import { Dialler } from './dialler.js';
import type { SftpEndpoint } from './endpoint.js';
import { isSameEndpoint, isSameServer } from './endpoint.js';
import { unreachable } from './errors.js';
import type { Remote } from './remote.js';

/** What the session does, for logs and counters. */
export interface SessionEvents {
  readonly onConnected?: (tookMs: DurationMs) => void;
  /** Requests stay unanswered; other ways are tried. */
  readonly onStalled?: (silentMs: DurationMs) => void;
  /** The connection that had stalled moved again before another one stood. */
  readonly onRecovered?: () => void;
  readonly onLost?: (reason: AppError) => void;
  readonly onDialFailed?: (error: AppError) => void;
}

export interface UploadSessionOptions {
  readonly connect: (endpoint: SftpEndpoint, signal: AbortSignal) => Promise<Remote>;
  /** The addresses that this machine has now. */
  readonly localAddresses: () => ReadonlySet<string>;
  readonly clock: Clock;
  readonly random: Random;
  readonly timing: DialTiming;
  /** A connection that nobody uses is closed after this. */
  readonly idleMs: DurationMs;
  /** The last measured round trip of a write in milliseconds, queues included. */
  readonly rttMs: () => DurationMs;
  /** A new connection carries the uploads from now on. */
  readonly onAdopted: () => void;
  readonly events: SessionEvents;
}

interface Waiter {
  readonly resolve: (remote: Remote) => void;
  readonly reject: (error: AppError) => void;
}

const IDLE_PING_MS = 15_000;
/** How long a hint from outside that the link is back makes silence weigh more. */
const KICK_MS = 5_000;

/**
 * Owns the connection to the server and sees to it that there is one while uploads run. When it falls silent it is kept
 * and others are dialled beside it; the first that stands takes over, unless the old one moves first. TCP alone would
 * find back 24 to 34 seconds after a tunnel, and after a change of address never.
 */
export class UploadSession implements AsyncDisposable {
  readonly #options: UploadSessionOptions;
  readonly #dialler: Dialler;
  readonly #waiting = new Set<Waiter>();
  #endpoint: SftpEndpoint | undefined;
  #current: Remote | undefined;
  #users = 0;
  #disposed = false;
  #stalled = false;
  #pinging = false;
  /** Dialling again cannot help until something changes: the host key or our own key is refused. */
  #refused: AppError | undefined;
  #lastError: AppError | undefined;
  #adoptedMs = 0;
  #idleSinceMs = 0;
  #kickedMs = Number.NEGATIVE_INFINITY;
  #shortLives = 0;
  #watchTimer: Timer | undefined;

  constructor(options: UploadSessionOptions) {
    this.#options = options;
    this.#dialler = new Dialler({
      connect: (signal) => options.connect(this.#endpoint!, signal),
      clock: options.clock,
      timing: options.timing,
      isNeeded: () => this.#needsDial,
      onConnected: (remote, tookMs) => this.#connected(remote, tookMs),
      onFailed: (error) => this.#dialFailed(error),
    });
  }

  /** The connection that carries the uploads now; it may be stalled. */
  get current(): Remote | undefined {
    return this.#current;
  }

  /** Why there is no connection; `undefined` if none was tried or there is one. */
  get lastError(): AppError | undefined {
    return this.#current ? undefined : this.#lastError;
  }

  /** Names the server. Another server than before ends the connection; other host keys count from the next one on. */
  setEndpoint(endpoint: SftpEndpoint): void {
    const before = this.#endpoint;
    this.#endpoint = endpoint;
    if (before && isSameEndpoint(before, endpoint)) return;
    this.#refused = undefined;
    this.#dialler.stop('the ticket names another server');
    if (before && !isSameServer(before, endpoint))
      this.#current?.end(unreachable('the ticket names another server'));
    this.#dialler.hurry();
  }

  /** Counts one upload in, and out when the returned function is called. While any is in a connection is held. */
  enter(): () => void {
    this.#users++;
    return () => {
      this.#users--;
      this.#idleSinceMs = this.#options.clock.monotonicMs();
      if (!this.#needsDial) this.#dialler.stop('nothing is left to upload');
    };
  }

  /**
   * A connection to work with, as soon as there is one.
   *
   * @throws SFTP_HOST_KEY_MISMATCH, SFTP_KEY_REFUSED, or the signal's reason; waits while the server is unreachable
   */
  acquire(signal: AbortSignal): Promise<Remote> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      if (this.#disposed) throw cancelled('the uploader was stopped');
      if (this.#current) {
        resolve(this.#current);
        return;
      }
      const settle = (): void => {
        this.#waiting.delete(waiter);
        signal.removeEventListener('abort', onAbort);
      };
      const onAbort = (): void => waiter.reject(toAppError(signal.reason));
      const waiter: Waiter = {
        resolve: (remote) => {
          settle();
          resolve(remote);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.add(waiter);
      this.#refused = undefined;
      this.#dialler.start(0);
    });
  }

  /**
   * Someone knows that the link is back: doubts a silent connection, and dials at once if there is none. That takes nine
   * round trips, and the first ticket is on its way meanwhile.
   */
  kick(): void {
    this.#kickedMs = this.#options.clock.monotonicMs();
    this.#shortLives = 0;
    this.#refused = undefined;
    const wasDialling = !this.#current || this.#stalled;
    this.#ping();
    this.#watch();
    // Looking may have ended a silent connection, or begun to dial beside it.
    if (wasDialling || !this.#current) this.#dialler.hurry();
  }

  /** Gives up everything; whoever waits is told. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    const reason = cancelled('the uploader was stopped');
    this.#dialler.stop(reason.message);
    this.#watchTimer?.[Symbol.dispose]();
    for (const waiter of [...this.#waiting]) waiter.reject(reason);
    this.#current?.end(reason);
  }

  get #needsDial(): boolean {
    if (this.#disposed || !this.#endpoint || this.#refused) return false;
    if (this.#current) return this.#stalled && this.#users > 0;
    return this.#users > 0 || this.#waiting.size > 0 || this.#isKicked;
  }

  get #isKicked(): boolean {
    return this.#options.clock.monotonicMs() - this.#kickedMs < KICK_MS;
  }

  #connected(remote: Remote, tookMs: DurationMs): void {
    const old = this.#current;
    const isWanted = !this.#disposed && (old === undefined || this.#stalled);
    if (!isWanted || remote.gone.aborted) {
      remote.end(unreachable('another connection was first'));
      return;
    }
    this.#current = remote;
    this.#adoptedMs = this.#options.clock.monotonicMs();
    this.#idleSinceMs = this.#adoptedMs;
    this.#stalled = false;
    this.#dialler.stop('another connection was first');
    remote.gone.addEventListener('abort', () => this.#lost(remote), { once: true });
    old?.end(unreachable('another connection took over'));
    this.#options.onAdopted();
    this.#options.events.onConnected?.(tookMs);
    for (const waiter of [...this.#waiting]) waiter.resolve(remote);
    this.#watch();
  }

  #dialFailed(error: AppError): void {
    this.#lastError = error;
    this.#options.events.onDialFailed?.(error);
    if (errorKinds[error.kind].retryable) return;
    this.#refused = error;
    this.#dialler.stop(error.message);
    for (const waiter of [...this.#waiting]) waiter.reject(error);
  }

  #lost(remote: Remote): void {
    if (this.#current !== remote) return;
    const nowMs = this.#options.clock.monotonicMs();
    this.#current = undefined;
    this.#stalled = false;
    this.#lastError = toAppError(remote.gone.reason);
    this.#shortLives = nowMs - this.#adoptedMs < SHORT_LIFE_MS ? this.#shortLives + 1 : 0;
    this.#options.events.onLost?.(this.#lastError);
    this.#dialler.start(redialDelayMs(this.#shortLives, this.#options.random));
  }

  /** Looks at the connection now and from time to time. */
  #watch(): void {
    this.#watchTimer?.[Symbol.dispose]();
    if (!this.#current || this.#disposed) return;
    this.#look(this.#current);
    this.#watchTimer = this.#options.clock.schedule(this.#options.timing.watchMs, () => this.#watch());
  }

  #look(current: Remote): void {
    const { clock, timing, events, localAddresses, rttMs } = this.#options;
    const nowMs = clock.monotonicMs();
    const { heardMs, unansweredSinceMs, localAddress } = current;
    const view = { nowMs, heardMs, unansweredSinceMs, rttMs: rttMs(), isKicked: this.#isKicked };
    const liveness = livenessOf(view, timing);
    if (liveness === 'fine') {
      this.#lookAtIdle(current, nowMs);
    } else if (localAddress !== undefined && !localAddresses().has(localAddress)) {
      // No packet can come back to an address that is gone, and no attempt made from it can succeed.
      current.end(unreachable(`the address ${localAddress} is gone from this machine`));
      this.#dialler.stop('the address is gone');
      this.#dialler.start(0);
    } else if (liveness === 'doubtful') {
      this.#ping();
    } else if (this.#users === 0) {
      current.end(unreachable('the idle connection no longer answers'));
    } else if (!this.#stalled) {
      this.#stalled = true;
      events.onStalled?.(nowMs - heardMs);
      this.#dialler.start(0);
    }
  }

  #lookAtIdle(current: Remote, nowMs: number): void {
    if (this.#stalled) {
      this.#stalled = false;
      this.#dialler.stop('the first connection moved again');
      this.#options.events.onRecovered?.();
    }
    if (this.#users > 0) return;
    if (nowMs - this.#idleSinceMs >= this.#options.idleMs) current.end(unreachable('nothing to upload'));
    else if (nowMs - current.heardMs >= IDLE_PING_MS) this.#ping();
  }

  #ping(): void {
    // One unanswered ping says as much as two.
    if (!this.#current || this.#pinging) return;
    this.#pinging = true;
    this.#current
      .ping()
      // Any answer is a sign of life, and a failure shows as the connection's own.
      .catch(() => undefined)
      .finally(() => (this.#pinging = false));
  }
}
