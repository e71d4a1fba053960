import { setMaxListeners } from 'node:events';
import { cancelled, toAppError } from '@gapless/shared/errors';
import type { Random } from '@gapless/shared/ids';
import type { Clock, DurationMs } from '@gapless/shared/time';
import { MINUTE_MS, SECOND_MS } from '@gapless/shared/time';
import { unlessAborted } from './aborts.js';
import type { DialTiming } from './dial-policy.js';
import { DEFAULT_TIMING } from './dial-policy.js';
import type { SftpEndpoint } from './endpoint.js';
import { unreachable } from './errors.js';
import { PauseGate } from './pause-gate.js';
import { Patience } from './patience.js';
import { PipelinedWriter } from './pipelined-writer.js';
import { RateLimiter } from './rate-limiter.js';
import type { Remote, RemoteFile } from './remote.js';
import { openSshConnection } from './ssh-connection.js';
import type { Login, Manners } from './ssh-manners.js';
import { centralManners, loginMethods } from './ssh-manners.js';
import type { Dial } from './tcp-dial.js';
import { tcpDial } from './tcp-dial.js';
import type { SessionEvents } from './upload-session.js';
import { UploadSession } from './upload-session.js';
import { UploadWindow } from './upload-window.js';

/** One artifact on its way to one path. */
export interface UploadRequest {
  readonly path: string;
  readonly sizeBytes: number;
  /** The sound prefix that the server already has: writing begins here. */
  readonly offset: number;
  /** Yields the artifact's bytes from an offset on. Called again after each lost connection. */
  readonly read: (fromOffset: number) => AsyncIterable<Uint8Array>;
  readonly signal: AbortSignal;
  /** Told how many bytes from the start the server has acknowledged; falls back if the server lost some. */
  readonly onProgress?: (ackedBytes: number) => void;
}

export interface SftpUploaderOptions {
  readonly login: Login;
  /** How the server is met; by default as central's is. */
  readonly manners?: Manners;
  readonly clock: Clock;
  readonly random: Random;
  /** The addresses that this machine has now. */
  readonly localAddresses: () => ReadonlySet<string>;
  readonly events?: SessionEvents;
  readonly dial?: Dial;
  readonly timing?: DialTiming;
  readonly handshakeMs?: DurationMs;
  /** A connection that nobody uses is closed after this. */
  readonly idleMs?: DurationMs;
  /** When nothing is acknowledged for this long uploads fail, as `SFTP_UNREACHABLE`; a pause does not count. */
  readonly patienceMs?: DurationMs;
  /** A bound on the rate that this uploader shares with others, beside its own. */
  readonly sharedLimit?: RateLimiter | undefined;
}

/** What work on a connection is done with; see {@link SftpUploader.use}. */
export interface ConnectionUse {
  readonly signal: AbortSignal;
  /** To be told of every headway: where there is none for long the server is given up. */
  readonly moved: () => void;
  /** How many bytes may be asked for at this moment; see {@link RateLimiter.take}. */
  readonly limiter: RateLimiter;
}

/** What the uploader measures, for status and metrics. */
export interface UploaderStats {
  readonly connected: boolean;
  readonly windowBytes: number;
  readonly inFlightBytes: number;
  /** The last round trip of a write, queues included; 0 before the first. */
  readonly rttMs: number;
  /** The round trip of the empty link; `undefined` before the first acknowledgement. */
  readonly baseRttMs: number | undefined;
}

const CONNECT_MS = 2 * SECOND_MS;
const HANDSHAKE_MS = 10 * SECOND_MS;
const IDLE_MS = 5 * MINUTE_MS;
const PATIENCE_MS = 2 * MINUTE_MS;

/**
 * Uploads artifacts over SFTP, in order and resumable, through whatever the link does meanwhile. Several uploads at a time
 * share one connection and one window, so that small files do not wait for each other's round trips.
 */
export class SftpUploader implements AsyncDisposable {
  readonly #options: SftpUploaderOptions;
  readonly #session: UploadSession;
  readonly #limiter: RateLimiter;
  readonly #window: UploadWindow;
  readonly #gate: PauseGate;
  readonly #disposed = new AbortController();
  readonly #running = new Set<Promise<unknown>>();
  /** When anything last got ahead. */
  #movedMs = Number.NEGATIVE_INFINITY;

  /** @throws SFTP_KEY_INVALID, KEY_UNREADABLE */
  constructor(options: SftpUploaderOptions) {
    const { clock, random, localAddresses, manners = centralManners } = options;
    const login = loginMethods(options.login, manners);
    this.#options = options;
    // Every running upload listens.
    setMaxListeners(0, this.#disposed.signal);
    this.#limiter = new RateLimiter(clock, options.sharedLimit);
    this.#window = new UploadWindow(clock, this.#limiter);
    this.#gate = new PauseGate(clock);
    const dial = options.dial ?? tcpDial(clock, CONNECT_MS);
    const handshakeMs = options.handshakeMs ?? HANDSHAKE_MS;
    this.#session = new UploadSession({
      connect: (endpoint, signal) =>
        openSshConnection(endpoint, { login, manners, dial, clock, handshakeMs }, signal),
      localAddresses,
      clock,
      random,
      timing: options.timing ?? DEFAULT_TIMING,
      idleMs: options.idleMs ?? IDLE_MS,
      rttMs: () => this.#window.rttMs,
      onAdopted: () => this.#window.reset(),
      events: options.events ?? {},
    });
  }

  get stats(): UploaderStats {
    return {
      connected: this.#session.current !== undefined,
      windowBytes: this.#window.limitBytes,
      inFlightBytes: this.#window.inFlightBytes,
      rttMs: this.#window.rttMs,
      baseRttMs: this.#window.baseRttMs,
    };
  }

  /** Names the server, as the newest ticket does. Nothing is dialled before there is something to upload. */
  setEndpoint(endpoint: SftpEndpoint): void {
    this.#session.setEndpoint(endpoint);
  }

  /** The link is back, somebody else noticed: dial now instead of at the next turn. */
  kick(): void {
    this.#session.kick();
  }

  /** Stops sending at the end of the current block, at the latest within a second. Uploads stay where they are. */
  pause(): void {
    this.#gate.pause();
  }

  resume(): void {
    this.#gate.resume();
  }

  /** An upper bound on the rate of all uploads together; `undefined` lifts it. */
  setRateLimit(rateBytesPerSec: number | undefined): void {
    this.#limiter.set(rateBytesPerSec);
    this.#window.refresh();
  }

  /**
   * Writes one artifact to its path and closes it; resolves when the server says that it is stored. Lost connections are
   * made good inside; what is thrown concerns this upload, and its kind says whether the same again can succeed.
   *
   * @returns how many bytes were sent, those that had to be sent twice included
   * @throws SFTP_UNREACHABLE, SFTP_HOST_KEY_MISMATCH, SFTP_KEY_REFUSED, SFTP_LOGIN_REFUSED, UPLOAD_REFUSED,
   *   UPLOAD_TICKET_UNKNOWN, UPLOAD_PATH_UNKNOWN, UPLOAD_REMOTE_FAILED, UPLOAD_SOURCE_SHORT, what `read` throws, or the
   *   signal's reason
   */
  upload(request: UploadRequest): Promise<{ readonly sentBytes: number }> {
    return this.#track(this.#upload(request));
  }

  /**
   * Does `work` on the connection, and again on the next one when that is lost: it must do no harm when it was done in
   * part. Throws as {@link upload} does, or what `work` throws.
   */
  use<T>(signal: AbortSignal, work: (remote: Remote, use: ConnectionUse) => Promise<T>): Promise<T> {
    const moved = (): void => {
      this.#movedMs = this.#options.clock.monotonicMs();
    };
    return this.#track(
      this.#withPatience(signal, (patience) =>
        this.#untilDone(patience, (remote) =>
          work(remote, { signal: patience.signal, moved, limiter: this.#limiter }),
        ),
      ),
    );
  }

  /** Stops all uploads at once and closes the connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed.abort(cancelled('the uploader was stopped'));
    await Promise.allSettled([...this.#running]);
    await this.#session[Symbol.asyncDispose]();
  }

  async #track<T>(work: Promise<T>): Promise<T> {
    this.#running.add(work);
    try {
      return await work;
    } finally {
      this.#running.delete(work);
    }
  }

  #upload(request: UploadRequest): Promise<{ readonly sentBytes: number }> {
    const progress: Progress = { reachedBytes: request.offset, sentBytes: 0 };
    return this.#withPatience(request.signal, async (patience) => {
      await this.#untilDone(patience, (remote) => this.#attempt(remote, { request, progress, patience }));
      return { sentBytes: progress.sentBytes };
    });
  }

  async #withPatience<T>(signal: AbortSignal, work: (patience: Patience) => Promise<T>): Promise<T> {
    const { clock, patienceMs = PATIENCE_MS } = this.#options;
    using patience = new Patience({
      clock,
      patienceMs,
      signals: [signal, this.#disposed.signal],
      // What holds for the link holds for every upload: one of many may wait long for its turn.
      headwayMs: () => (this.#gate.isPaused ? clock.monotonicMs() : this.#movedMs),
      failure: () => this.#session.lastError ?? unreachable('the server answers nothing more'),
    });
    const leave = this.#session.enter();
    try {
      return await work(patience);
    } finally {
      leave();
    }
  }

  /** Goes as far as one connection carries; if only that failed, the next one goes on where it got to. */
  async #untilDone<T>(patience: Patience, attempt: (remote: Remote) => Promise<T>): Promise<T> {
    for (;;) {
      const remote = await this.#session.acquire(patience.signal);
      try {
        return await attempt(remote);
      } catch (thrown) {
        patience.signal.throwIfAborted();
        if (!remote.gone.aborted) throw toAppError(thrown);
      }
    }
  }

  async #attempt(remote: Remote, { request, progress, patience }: Work): Promise<void> {
    const file = await open(remote, request.path, patience.signal);
    try {
      // What the server holds beyond is unsound, or somebody else's: first the ticket counts, later what was sent.
      const from = Math.min(file.sizeBytes, progress.reachedBytes);
      if (file.sizeBytes > from) await unlessAborted(remote.shrink(file, from), patience.signal);
      await this.#write({ remote, file, from }, { request, progress, patience });
    } catch (thrown) {
      // Perhaps it is closed already, or the server is beyond hearing: either way nobody waits for the answer.
      if (!remote.gone.aborted) remote.close(file).catch(() => undefined);
      throw thrown;
    }
  }

  /** Writes and closes. */
  async #write(to: WriteTarget, { request, progress, patience }: Work): Promise<void> {
    let closing = Promise.resolve();
    const writer = new PipelinedWriter({
      ...to,
      sizeBytes: request.sizeBytes,
      source: request.read(to.from),
      window: this.#window,
      gate: this.#gate,
      signals: [patience.signal],
      // Requests are answered in order, so the closing need not wait for the last writes: small files feel it.
      onSent: () => {
        closing = to.remote.close(to.file);
        closing.catch(() => undefined);
      },
      onAcked: (ackedBytes) => {
        this.#movedMs = this.#options.clock.monotonicMs();
        request.onProgress?.(ackedBytes);
      },
    });
    try {
      await writer.run();
      await unlessAborted(closing, patience.signal);
    } finally {
      progress.sentBytes += writer.position - to.from;
      progress.reachedBytes = Math.max(progress.reachedBytes, writer.position);
    }
  }
}

interface Progress {
  /** How far was ever sent: the server cannot hold more that is ours. */
  reachedBytes: number;
  sentBytes: number;
}

interface Work {
  readonly request: UploadRequest;
  readonly progress: Progress;
  readonly patience: Patience;
}

interface WriteTarget {
  readonly remote: Remote;
  readonly file: RemoteFile;
  readonly from: number;
}

async function open(remote: Remote, path: string, signal: AbortSignal): Promise<RemoteFile> {
  const opening = remote.open(path);
  try {
    return await unlessAborted(opening, signal);
  } catch (thrown) {
    // Nobody is left to use it if it still opens.
    opening.then((file) => remote.close(file)).catch(() => undefined);
    throw thrown;
  }
}
