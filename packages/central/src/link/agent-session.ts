import type { AppError } from '@gapless/shared/errors';
import { AppError as Failure, errorKinds, toAppError } from '@gapless/shared/errors';
import type { Random, VehicleId } from '@gapless/shared/ids';
import { hex } from '@gapless/shared/ids';
import { Serial } from '@gapless/shared/lifecycle';
import type { Log } from '@gapless/shared/log';
import type { AgentMessage, Hello, LiveSlice } from '@gapless/shared/protocol';
import {
  decodeSlice,
  LINK_DEAD_MS,
  MAX_SLICE_BYTES,
  parseAgentMessage,
  PROTOCOL_VERSION,
} from '@gapless/shared/protocol';
import type { Clock, Timer } from '@gapless/shared/time';
import { SECOND_MS } from '@gapless/shared/time';
import type { AgentSocket } from './agent-socket.js';

/** What a session does with what a vehicle says; set once it is admitted. */
export interface SessionHandlers {
  message(message: AgentMessage): Promise<void>;
  slice(slice: LiveSlice): Promise<void>;
}

export interface AgentSessionPort {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Checks a hello and prepares the session; a thrown error closes the link with its message. */
  readonly admit: (session: AgentSession, hello: Hello, centralNonce: string) => Promise<SessionHandlers>;
}

/** From the socket to the hello. */
const HELLO_TIMEOUT_MS = 10 * SECOND_MS;

/** Live bytes that may wait for the disk before the network is not read any further. */
const PAUSE_BYTES = 1024 * 1024;
/** An agent that goes on beyond its window this far is no agent of ours. */
const FLOOD_BYTES = 8 * 1024 * 1024;
/** Control messages that may wait. */
const FLOOD_MESSAGES = 1000;

/** Control data that may wait for a vehicle that does not read. */
const MAX_BUFFERED_BYTES = 8 * 1024 * 1024;

/** A conversation with one vehicle over one socket. */
export class AgentSession {
  /** Aborts when the session has ended. */
  readonly signal: AbortSignal;
  readonly remoteAddress: string;
  /** Set once admitted. */
  vehicle: VehicleId | undefined;
  vehicleId: number | undefined;

  readonly #socket: AgentSocket;
  readonly #port: AgentSessionPort;
  readonly #ended = new AbortController();
  readonly #messages = new Serial();
  readonly #slices = new Serial();
  #handlers: SessionHandlers | undefined;
  #centralNonce: string;
  #timer: Timer | undefined;
  /** Whoever has not said hello by then has to go, whatever else was said. */
  readonly #helloTimer: Timer;
  #waitingMessages = 0;
  #waitingBytes = 0;
  #paused = false;
  #greeted = false;
  #closing = false;

  constructor(socket: AgentSocket, port: AgentSessionPort) {
    this.#socket = socket;
    this.#port = port;
    this.signal = this.#ended.signal;
    this.remoteAddress = socket.remoteAddress;
    this.#centralNonce = hex(port.random.bytes(32));
    this.#helloTimer = port.clock.schedule(HELLO_TIMEOUT_MS, () => this.close(4408, 'no hello came'));
    socket.onText = (text) => this.#onText(text);
    socket.onBinary = (bytes) => this.#onBinary(bytes);
    socket.onEnd = () => this.#finish();
    this.send({
      type: 'challenge',
      protocol: [PROTOCOL_VERSION],
      nonce: this.#centralNonce,
      sentMs: port.clock.nowMs(),
    });
  }

  /** Sends a control message; after the end it goes nowhere. */
  send(message: object): void {
    if (this.signal.aborted) return;
    if (this.#socket.bufferedBytes > MAX_BUFFERED_BYTES) {
      this.fail(new Failure('LINK_LOST', 'the vehicle does not read what it is sent'));
      return;
    }
    this.#socket.sendText(JSON.stringify(message));
  }

  /** Says goodbye with a reason; what the peer says from here on is not heard any more. */
  close(code: number, reason: string): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#socket.close(code, reason);
    // A peer that does not answer the close is not waited for.
    const timer = this.#port.clock.schedule(SECOND_MS, () => this.#socket.terminate());
    this.signal.addEventListener('abort', () => timer[Symbol.dispose](), { once: true });
  }

  /** Ends the session for a reason that the peer is told. */
  fail(error: AppError): void {
    if (this.signal.aborted || this.#closing) return;
    const level = errorKinds[error.kind].logLevel;
    this.#port.log[level](
      { err: error, vehicle: this.vehicle, remoteAddress: this.remoteAddress },
      'link closed',
    );
    this.close(errorKinds[error.kind].closeCode, error.message);
  }

  #onText(text: string): void {
    if (this.#closing) return;
    this.#heard();
    if (++this.#waitingMessages > FLOOD_MESSAGES) {
      this.fail(new Failure('LINK_MESSAGE_INVALID', 'too many messages at once'));
      return;
    }
    let message: AgentMessage;
    try {
      message = parseAgentMessage(text);
    } catch (thrown) {
      this.#waitingMessages--;
      const error = toAppError(thrown);
      if (error.code !== 'LINK_MESSAGE_UNKNOWN') this.fail(error);
      return;
    }
    void this.#messages.run(() => this.#handle(message)).finally(() => this.#waitingMessages--);
  }

  /** Messages that came before the end are handled after it, too: they are the vehicle's last word. */
  async #handle(message: AgentMessage): Promise<void> {
    try {
      if (message.type === 'hello') {
        if (this.#greeted) throw new Failure('LINK_PROTOCOL', 'a second hello');
        this.#greeted = true;
        this.#helloTimer[Symbol.dispose]();
        this.#heard();
        this.#handlers = await this.#port.admit(this, message, this.#centralNonce);
        this.#socket.admitted();
      } else if (this.#handlers) {
        await this.#handlers.message(message);
      } else {
        throw new Failure('LINK_PROTOCOL', `"${message.type}" before the hello`);
      }
    } catch (thrown) {
      this.fail(toAppError(thrown));
    }
  }

  #onBinary(bytes: Uint8Array): void {
    if (this.#closing) return;
    this.#heard();
    let slice: LiveSlice;
    try {
      if (!this.#handlers) throw new Failure('LINK_PROTOCOL', 'video before the hello');
      slice = decodeSlice(bytes);
    } catch (thrown) {
      this.fail(toAppError(thrown));
      return;
    }
    this.#waitingBytes += bytes.length;
    if (this.#waitingBytes > FLOOD_BYTES) {
      this.fail(new Failure('LINK_FRAME_INVALID', 'live video beyond its window'));
      return;
    }
    if (this.#waitingBytes > PAUSE_BYTES && !this.#paused) {
      this.#paused = true;
      this.#socket.pause();
    }
    void this.#slices.run(() => this.#takeSlice(slice)).finally(() => this.#taken(bytes.length));
  }

  async #takeSlice(slice: LiveSlice): Promise<void> {
    try {
      await this.#handlers!.slice(slice);
    } catch (thrown) {
      this.fail(toAppError(thrown));
    }
  }

  #taken(bytes: number): void {
    this.#waitingBytes -= bytes;
    if (!this.#paused || this.#waitingBytes > PAUSE_BYTES - MAX_SLICE_BYTES) return;
    this.#paused = false;
    this.#socket.resume();
  }

  #heard(): void {
    this.#timer?.[Symbol.dispose]();
    if (this.signal.aborted || !this.#greeted) return;
    this.#timer = this.#port.clock.schedule(LINK_DEAD_MS, () => this.#silent());
  }

  #silent(): void {
    // While we do not read, its silence is ours.
    if (this.#paused) {
      this.#heard();
      return;
    }
    this.#port.log.info({ vehicle: this.vehicle }, 'link silent');
    this.#socket.terminate();
  }

  #finish(): void {
    this.#helloTimer[Symbol.dispose]();
    this.#timer?.[Symbol.dispose]();
    this.#ended.abort(new Failure('LINK_LOST', 'the link to the vehicle ended'));
  }
}
