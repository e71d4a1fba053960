import type { LensName } from '@gapless/shared/ids';
import type { PieceDescriptor } from '@gapless/shared/protocol';
import { encodeSliceHeader, MAX_SLICE_BYTES } from '@gapless/shared/protocol';
import type { Clock } from '@gapless/shared/time';
import { LiveWindow } from './live-window-policy.js';

/** Where slices go: the link, as far as the lane needs to know it. */
export interface LiveSink {
  sendBinary(header: Uint8Array, body: Uint8Array): void;
}

interface Piece {
  readonly descriptor: PieceDescriptor;
  readonly bytes: Uint8Array;
}

interface Sending extends Piece {
  readonly id: number;
  sentBytes: number;
}

export interface LaneCounters {
  sentPieces: number;
  droppedPieces: number;
  sentBytes: number;
}

/** Fragments of one lens that may wait behind the one being sent. */
const MAX_WAITING = 1;

/**
 * Hands fragments to central as they are made. What the link cannot carry now is dropped at once and completed later
 * from the disk: per lens at most one fragment waits behind the one under way, so memory is bounded by the lenses
 * alone, and no more than a window of bytes is in the network, so that control messages pass quickly.
 */
export class LiveLane {
  readonly counters: LaneCounters = { sentPieces: 0, droppedPieces: 0, sentBytes: 0 };
  readonly #clock: Clock;
  readonly #waiting = new Map<LensName, Piece[]>();
  #sink: LiveSink | undefined;
  #sending: Sending | undefined;
  #window: LiveWindow;
  #nextId = 0;
  #sentBytes = 0;
  #ackedBytes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#window = new LiveWindow();
  }

  /** Starts sending into a new session. Nothing is kept from before: it is the completion's now. */
  attach(sink: LiveSink): void {
    this.detach();
    this.#sink = sink;
  }

  detach(): void {
    this.#sink = undefined;
    this.#sending = undefined;
    this.#waiting.clear();
    this.#window = new LiveWindow();
    this.#sentBytes = 0;
    this.#ackedBytes = 0;
    this.#nextId = 0;
  }

  /** Bytes of media held in memory now. */
  get heldBytes(): number {
    let held = this.#sending?.bytes.length ?? 0;
    for (const queue of this.#waiting.values()) for (const piece of queue) held += piece.bytes.length;
    return held;
  }

  /** Takes a piece, or drops it; returns which. Heads and seals are small and always taken. */
  offer(descriptor: PieceDescriptor, bytes: Uint8Array): boolean {
    if (!this.#sink) return false;
    const queue = this.#waiting.get(descriptor.lens) ?? [];
    const fragments = queue.filter((piece) => piece.descriptor.part === 'fragment').length;
    if ((descriptor.part === 'fragment' && fragments >= MAX_WAITING) || queue.length > 3 * MAX_WAITING + 3) {
      this.counters.droppedPieces++;
      return false;
    }
    queue.push({ descriptor, bytes });
    this.#waiting.set(descriptor.lens, queue);
    this.#pump();
    return true;
  }

  /** Central has taken in `bytes` media bytes of this session so far. */
  acknowledge(bytes: number): void {
    if (bytes <= this.#ackedBytes || bytes > this.#sentBytes) return;
    this.#ackedBytes = bytes;
    this.#window.acknowledged(bytes, this.#clock.monotonicMs());
    this.#pump();
  }

  #pump(): void {
    const sink = this.#sink;
    while (sink && this.#sentBytes - this.#ackedBytes < this.#window.bytes) {
      const sending = (this.#sending ??= this.#next());
      if (!sending) return;
      this.#sendSlice(sink, sending);
    }
  }

  #sendSlice(sink: LiveSink, sending: Sending): void {
    const body = sending.bytes.subarray(sending.sentBytes, sending.sentBytes + MAX_SLICE_BYTES);
    const first = sending.sentBytes === 0;
    sending.sentBytes += body.length;
    const last = sending.sentBytes === sending.bytes.length;
    sink.sendBinary(
      encodeSliceHeader({ piece: sending.id, descriptor: first ? sending.descriptor : undefined, last }),
      body,
    );
    this.#sentBytes += body.length;
    this.counters.sentBytes += body.length;
    this.#window.sent(this.#sentBytes, this.#clock.monotonicMs());
    if (!last) return;
    this.counters.sentPieces++;
    this.#sending = undefined;
  }

  /** The next piece, lens by lens in turn, so that a lens with large fragments does not starve the others. */
  #next(): Sending | undefined {
    for (const [lens, queue] of this.#waiting) {
      const piece = queue.shift();
      this.#waiting.delete(lens);
      if (queue.length > 0) this.#waiting.set(lens, queue);
      if (piece) return { ...piece, id: this.#nextId++, sentBytes: 0 };
    }
    return undefined;
  }
}
