import type { LensName } from '@gapless/shared/ids';
import type { Clock, DurationMs } from '@gapless/shared/time';
import type { IndexReader } from '../index/index-reader.js';
import type { FreeSpace } from './free-space.js';
import type { Candidates, RetentionLimits, StorageFacts } from './retention-policy.js';

/** Closed while there is no room for footage. */
export interface Gate {
  readonly closedBecause: string | undefined;
  close(why: string): void;
  open(): void;
}

export interface RoomPort {
  /** Whose recordings have to fit; undefined for all of them. */
  readonly lens: LensName | undefined;
  readonly limits: RetentionLimits;
  readonly reader: IndexReader;
  readonly clock: Clock;
  readonly freeBytes: FreeSpace;
  /** Bytes of the segments that are being written. */
  readonly openBytes: () => number;
  readonly gate: Gate;
}

/** How often limits are looked at; a {@link StorageFacts.growthBytes} speaks of as much time. */
export const LOOK_MS: DurationMs = 10_000;

/** What recordings have to fit into: the disk, or the share of one lens. */
export class Room {
  readonly #port: RoomPort;
  #evictedBytes = 0;
  #measured: { readonly atMs: number; readonly recordedBytes: number } | undefined;
  #growthBytes = 0;

  constructor(port: RoomPort) {
    this.#port = port;
  }

  get lens(): LensName | undefined {
    return this.#port.lens;
  }

  get limits(): RetentionLimits {
    return this.#port.limits;
  }

  get gate(): Gate {
    return this.#port.gate;
  }

  async facts(): Promise<StorageFacts> {
    const { openBytes, freeBytes } = this.#port;
    const facts = { usedBytes: this.#usedBytes(), openBytes: openBytes(), freeBytes: await freeBytes() };
    this.#measureGrowth(facts.usedBytes + facts.openBytes + this.#evictedBytes);
    return { ...facts, growthBytes: this.#growthBytes };
  }

  /** The first `limit` that may go, of what central has and of the rest. */
  candidates(limit: number): Candidates {
    const { reader, lens } = this.#port;
    return {
      receipted: reader.eviction.receipted(limit, lens),
      unreceipted: reader.eviction.unreceipted(limit, lens),
    };
  }

  /** What was evicted had been recorded: the growth counts it. */
  noteEvicted(bytes: number): void {
    this.#evictedBytes += bytes;
  }

  /** Protected footage has a limit of its own, so that pins never keep a lens from recording. */
  #usedBytes(): number {
    const { reader, lens } = this.#port;
    return lens === undefined ? reader.segments.totalBytes() : reader.segments.evictableBytes(lens);
  }

  /** What came in the last ten seconds or more, as so much in ten seconds. A pause says nothing of how fast it comes. */
  #measureGrowth(recordedBytes: number): void {
    const { clock, gate } = this.#port;
    const atMs = clock.monotonicMs();
    const last = this.#measured;
    if (last && atMs - last.atMs < LOOK_MS) return;
    this.#measured = { atMs, recordedBytes };
    if (!last || gate.closedBecause !== undefined) return;
    const grown = Math.max(0, recordedBytes - last.recordedBytes);
    this.#growthBytes = Math.ceil((grown * LOOK_MS) / (atMs - last.atMs));
  }
}
