import type { Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import type { Address } from './link-proxy.js';

export interface SlowLinkFacts {
  /** Bytes a second in each direction. */
  readonly rateBytesPerSec: number;
  /** One way. */
  readonly delayMs: number;
}

/** The unit in which bytes leave the queue: as a packet would. */
const PACKET_BYTES = 1500;

/**
 * A link with one queue in each direction, a rate and a delay, on one machine: bytes leave in their order at the rate and
 * arrive after the delay. The queue is as deep as the senders make it, as in a modem. All connections share it.
 */
export class SlowLink implements AsyncDisposable {
  readonly #server: Server;
  readonly #up: Lane;
  readonly #down: Lane;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, target: Address, facts: SlowLinkFacts) {
    this.#server = server;
    this.#up = new Lane(facts);
    this.#down = new Lane(facts);
    server.on('connection', (near) => this.#join(near, target));
  }

  static async start(
    target: Address,
    facts: SlowLinkFacts,
    listen: Address = { host: '127.0.0.1', port: 0 },
  ): Promise<SlowLink> {
    const server = createServer({ noDelay: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(listen, resolve);
    });
    return new SlowLink(server, target, facts);
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address ? address.port : 0;
  }

  /** Bytes that wait for their turn towards the target. */
  get queuedBytes(): number {
    return this.#up.queuedBytes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(near: Socket, target: Address): void {
    const far = connect({ ...target, noDelay: true });
    for (const [from, to, lane] of [
      [near, far, this.#up],
      [far, near, this.#down],
    ] as const) {
      this.#sockets.add(from);
      from.on('error', () => undefined);
      from.on('data', (chunk: Buffer) =>
        lane.carry(chunk, (part) => {
          if (!to.destroyed) to.write(part);
        }),
      );
      from.once('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
  }
}

interface Packet {
  readonly dueMs: number;
  readonly bytes: Buffer;
  readonly deliver: (bytes: Buffer) => void;
}

/** One direction: a queue that empties at the rate, and a delay behind it. Never reorders. */
class Lane {
  readonly #facts: SlowLinkFacts;
  readonly #packets: Packet[] = [];
  #freeAtMs = 0;
  #isTimed = false;
  queuedBytes = 0;

  constructor(facts: SlowLinkFacts) {
    this.#facts = facts;
  }

  carry(chunk: Buffer, deliver: (bytes: Buffer) => void): void {
    const { rateBytesPerSec, delayMs } = this.#facts;
    for (let at = 0; at < chunk.length; at += PACKET_BYTES) {
      const bytes = chunk.subarray(at, at + PACKET_BYTES);
      this.#freeAtMs = Math.max(this.#freeAtMs, performance.now()) + (bytes.length / rateBytesPerSec) * 1000;
      this.#packets.push({ dueMs: this.#freeAtMs + delayMs, bytes, deliver });
      this.queuedBytes += bytes.length;
    }
    if (!this.#isTimed) this.#releaseIn(1);
  }

  #releaseIn(ms: number): void {
    this.#isTimed = true;
    setTimeout(() => this.#release(), ms);
  }

  #release(): void {
    const now = performance.now();
    let due = 0;
    for (const { dueMs, bytes, deliver } of this.#packets) {
      if (dueMs > now) break;
      due++;
      this.queuedBytes -= bytes.length;
      deliver(bytes);
    }
    this.#packets.splice(0, due);
    const next = this.#packets[0];
    this.#isTimed = false;
    if (next) this.#releaseIn(Math.max(1, next.dueMs - now));
  }
}
