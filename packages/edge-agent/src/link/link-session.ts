import { AppError } from '@gapless/shared/errors';
import type { CentralMessage, Welcome } from '@gapless/shared/protocol';
import { parseCentralMessage } from '@gapless/shared/protocol';
import type { Clock, DurationMs } from '@gapless/shared/time';
import type { LinkSocket, SocketEnd } from './link-socket.js';

/** How long central may take to answer a goodbye. */
const LEAVE_MS = 2_000;

/** Messages kept that arrive while the handshake is being worked on; central has no reason to send more. */
const MAX_EARLY = 16;

/** A conversation with central over one socket, from the handshake to its end. */
export class LinkSession {
  /** Aborts when the session has ended. */
  readonly signal: AbortSignal;
  /** What central said in its welcome; set once the handshake is done. */
  welcome!: Welcome;
  /** Over how long central wants its fleet to spread its return, should it close the link. */
  spreadMs: DurationMs = 0;
  /** Called with every message after the handshake. */
  onMessage: (message: CentralMessage) => void = () => undefined;
  /** Called when the session ends, whoever ended it. */
  onEnd: (end: SocketEnd) => void = () => undefined;

  readonly #socket: LinkSocket;
  readonly #clock: Clock;
  readonly #ended = new AbortController();
  readonly #early: CentralMessage[] = [];
  #waiting: { resolve: (message: CentralMessage) => void; reject: (error: Error) => void } | undefined;
  #handshaking = true;
  #heardAtMs: number;

  constructor(socket: LinkSocket, clock: Clock) {
    this.#socket = socket;
    this.#clock = clock;
    this.#heardAtMs = clock.monotonicMs();
    this.signal = this.#ended.signal;
    socket.onText = (text) => this.#receive(text);
    socket.onEnd = (end) => this.#finish(end);
  }

  /** How long central has been silent. */
  get silentMs(): number {
    return this.#clock.monotonicMs() - this.#heardAtMs;
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedBytes;
  }

  get localAddress(): string | undefined {
    return this.#socket.localAddress;
  }

  /** Sends a control message. After the end it goes nowhere, as it would have a moment earlier. */
  send(message: object): void {
    if (!this.signal.aborted) this.#socket.sendText(JSON.stringify(message));
  }

  sendBinary(header: Uint8Array, body: Uint8Array): void {
    if (!this.signal.aborted) this.#socket.sendBinary(header, body);
  }

  /** The next message, during the handshake. */
  next(): Promise<CentralMessage> {
    const early = this.#early.shift();
    if (early) return Promise.resolve(early);
    if (this.signal.aborted) return Promise.reject(this.signal.reason as Error);
    return new Promise((resolve, reject) => (this.#waiting = { resolve, reject }));
  }

  /** Ends the handshake: from now on messages go to `onMessage`, those that came early first. */
  begin(welcome: Welcome): void {
    this.welcome = welcome;
    this.#handshaking = false;
    for (const message of this.#early.splice(0)) this.onMessage(message);
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason.slice(0, 120));
  }

  /** Says goodbye; resolves when the other side has heard it, or after a moment. Nothing that it still says is handled. */
  async leave(reason: 'stopping' | 'reconfiguring'): Promise<void> {
    this.onMessage = () => undefined;
    this.send({ type: 'goodbye', reason });
    const gone = new Promise<void>((resolve) =>
      this.signal.addEventListener('abort', () => resolve(), { once: true }),
    );
    this.close(1001, 'the agent is leaving');
    const timer = this.#clock.schedule(LEAVE_MS, () => this.terminate());
    if (!this.signal.aborted) await gone;
    timer[Symbol.dispose]();
  }

  terminate(): void {
    this.#socket.terminate();
    this.#finish({ code: undefined, reason: '' });
  }

  #receive(text: string): void {
    this.#heardAtMs = this.#clock.monotonicMs();
    let message: CentralMessage;
    try {
      message = parseCentralMessage(text);
    } catch (thrown) {
      // A newer central may say what this agent does not know yet; anything else malformed is not central.
      if (thrown instanceof AppError && thrown.code === 'LINK_MESSAGE_UNKNOWN') return;
      this.close(4400, thrown instanceof Error ? thrown.message : 'malformed message');
      return;
    }
    if (!this.#handshaking) {
      if (message.type === 'status-ack') this.spreadMs = message.spreadMs;
      this.onMessage(message);
    } else if (this.#waiting) {
      this.#waiting.resolve(message);
      this.#waiting = undefined;
    } else if (this.#early.length < MAX_EARLY) {
      this.#early.push(message);
    } else {
      this.close(4400, 'too many messages before the handshake');
    }
  }

  #finish(end: SocketEnd): void {
    if (this.signal.aborted) return;
    const error = endError(end);
    this.#ended.abort(error);
    this.#waiting?.reject(error);
    this.#waiting = undefined;
    this.onEnd(end);
  }
}

/** Why a session ended, as an error. 4403 is central's refusal of this vehicle, and its reason is for people. */
export function endError(end: SocketEnd): AppError {
  if (end.code === undefined) return new AppError('LINK_LOST', 'the link to central failed');
  if (end.code === 4403) return new AppError('LINK_DENIED', end.reason);
  return new AppError(
    'LINK_CLOSED',
    `central closed the link: ${end.reason === '' ? `code ${end.code}` : end.reason}`,
  );
}
