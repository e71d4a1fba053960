/** What one direction of a link is like. */
export interface LaneFacts {
  readonly rateBitsPerSec: number;
  /** One way. */
  readonly delayMs: number;
  /** Of packets, by chance, 0..1. */
  readonly lossRatio: number;
  /** How long a packet may have to wait for its turn; what would wait longer is dropped, as by any modem. */
  readonly queueMs: number;
}

interface Packet {
  readonly dueMs: number;
  readonly bytes: Buffer;
}

/**
 * One direction of a link: a queue that empties at the rate, loss by chance, and a delay behind them. Never reorders.
 * While it is cut, everything is dropped, what is under way included.
 */
export class PacketLane {
  readonly #facts: LaneFacts;
  readonly #deliver: (packet: Buffer) => void;
  readonly #underWay: Packet[] = [];
  #freeAtMs = 0;
  #isTimed = false;
  #isCut = false;

  constructor(facts: LaneFacts, deliver: (packet: Buffer) => void) {
    this.#facts = facts;
    this.#deliver = deliver;
  }

  /** Returns whether the link carries the packet to its end. */
  carry(bytes: Buffer): boolean {
    const { rateBitsPerSec, delayMs, lossRatio, queueMs } = this.#facts;
    const nowMs = performance.now();
    const waitMs = Math.max(0, this.#freeAtMs - nowMs);
    if (this.#isCut || waitMs > queueMs) return false;
    this.#freeAtMs = nowMs + waitMs + (bytes.length * 8_000) / rateBitsPerSec;
    // A lost packet has used up its time on the air.
    if (Math.random() < lossRatio) return false;
    this.#underWay.push({ dueMs: this.#freeAtMs + delayMs, bytes });
    if (!this.#isTimed) this.#releaseAt(this.#underWay[0]!.dueMs);
    return true;
  }

  setCut(isCut: boolean): void {
    this.#isCut = isCut;
    this.#underWay.length = 0;
    this.#freeAtMs = 0;
  }

  #releaseAt(dueMs: number): void {
    this.#isTimed = true;
    setTimeout(() => this.#release(), Math.max(1, dueMs - performance.now()));
  }

  #release(): void {
    this.#isTimed = false;
    const nowMs = performance.now();
    const later = this.#underWay.findIndex(({ dueMs }) => dueMs > nowMs);
    const due = this.#underWay.splice(0, later === -1 ? this.#underWay.length : later);
    for (const { bytes } of due) this.#deliver(bytes);
    if (this.#underWay[0]) this.#releaseAt(this.#underWay[0].dueMs);
  }
}
