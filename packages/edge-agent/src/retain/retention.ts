import type { AppError } from '@gapless/shared/errors';
import { toAppError } from '@gapless/shared/errors';
import type { LensName, SegmentRef } from '@gapless/shared/ids';
import { segmentId } from '@gapless/shared/ids';
import type { Clock, DurationMs } from '@gapless/shared/time';
import { SECOND_MS, sleep } from '@gapless/shared/time';
import type { EvictionCandidate } from '../index/eviction-queries.js';
import type { IndexReader } from '../index/index-reader.js';
import type { Burial, Removal } from './burial.js';
import type { FreeSpace } from './free-space.js';
import type { LensLimits, RetentionLimits, StorageFacts } from './retention-policy.js';
import { ageAllowanceBytes, chooseForAge, chooseForSpace, shortfallBytes } from './retention-policy.js';
import type { Gate } from './room.js';
import { LOOK_MS, Room } from './room.js';

export interface RetentionPort {
  readonly reader: IndexReader;
  readonly burial: Pick<Burial, 'bury' | 'finish'>;
  readonly clock: Clock;
  readonly limits: () => RetentionLimits;
  readonly lensLimits: () => ReadonlyMap<LensName, LensLimits>;
  readonly freeBytes: FreeSpace;
  /** Bytes of the segments that are being written, of one lens or of all. */
  readonly openBytes: (lens?: LensName) => number;
  /** Whether a segment is being sent. */
  readonly isInUse: (segment: SegmentRef) => boolean;
  /** Closed while there is no room for footage of one lens, or of any. */
  readonly gate: (lens?: LensName) => Gate;
  readonly events: RetentionEvents;
}

/** What retention has to tell people. */
export interface RetentionEvents {
  onEvicted(evicted: Evicted): void;
  /** Recording pauses: there is no room, and nothing more may be evicted. */
  onPaused(facts: StorageFacts, lens: LensName | undefined): void;
  onResumed(facts: StorageFacts, lens: LensName | undefined): void;
  /** Files could not be removed, or the state of the disk could not be read. */
  onFailed(error: AppError): void;
}

export interface Evicted {
  readonly why: 'age' | 'space';
  readonly segments: readonly EvictionCandidate[];
  /** Those among them that central does not have: they are lost. */
  readonly unreceipted: readonly EvictionCandidate[];
}

/** What was evicted since the agent started, for metrics. */
export interface EvictionTotals {
  readonly segments: number;
  readonly bytes: number;
  /** Those among them that central did not have. */
  readonly lostSegments: number;
  readonly lostBytes: number;
}

/** Why a lens is paused, as central and the timeline are told. */
export const DISK_FULL = 'disk full';
export const LENS_FULL = 'the lens has reached its own limit';

/** A look that an event asks for comes this long after the one before at the earliest. */
const MIN_LOOK_MS = SECOND_MS;
/** Segments that go in one batch: one commit, one sync of the journal. */
const BATCH = 64;
/** Segments that may be in use at once, so that enough others are looked at. */
const IN_USE = 64;

/** Keeps the recordings within their limits: looks every ten seconds and whenever a segment was closed. */
export class Retention {
  readonly #port: RetentionPort;
  #totals: EvictionTotals = { segments: 0, bytes: 0, lostSegments: 0, lostBytes: 0 };
  #rooms: readonly Room[];
  #agedAtMs: number;
  #wake: (() => void) | undefined;
  #isKicked = false;

  constructor(port: RetentionPort) {
    this.#port = port;
    this.#rooms = roomsOf(port);
    this.#agedAtMs = port.clock.monotonicMs();
  }

  /** What was evicted since the start. */
  get totals(): EvictionTotals {
    return this.#totals;
  }

  /** The limits are others than they were. */
  limitsChanged(): void {
    const before = this.#rooms;
    this.#rooms = roomsOf(this.#port);
    // What has no limit of its own any more is not closed by one either.
    for (const { lens, gate } of before) if (!this.#rooms.some((room) => room.lens === lens)) gate.open();
    this.kick();
  }

  /** Something changed: look soon. */
  kick(): void {
    this.#isKicked = true;
    this.#wake?.();
  }

  /** Looks again and again until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.look(signal);
      } catch (thrown) {
        if (hasEnded(signal)) return;
        this.#port.events.onFailed(toAppError(thrown));
      }
      await this.#rest(signal);
    }
  }

  /** Evicts what has to go now, batch by batch, and pauses or resumes recording. */
  async look(signal: AbortSignal): Promise<void> {
    if (await this.#isStuck()) return;
    await this.#evictAged(signal);
    for (const room of this.#rooms) if (!(await this.#makeRoom(room, signal))) return;
  }

  /** Returns false when the disk lets nothing go. */
  async #makeRoom(room: Room, signal: AbortSignal): Promise<boolean> {
    const { limits, gate } = room;
    for (;;) {
      const facts = await room.facts();
      // While recording pauses, more has to go than the limits ask for, or it would never have room to begin again.
      const excess = shortfallBytes(facts, limits, gate.closedBecause !== undefined);
      const choice = { limits, isInUse: this.#port.isInUse };
      const chosen =
        excess === 0 ? [] : chooseForSpace(excess, room.candidates(BATCH + IN_USE), choice).slice(0, BATCH);
      if (chosen.length === 0) {
        this.#judge(room, facts);
        return true;
      }
      signal.throwIfAborted();
      if (!(await this.#evict(chosen, 'space'))) return false;
    }
  }

  /**
   * Finishes what was left over. Whether the disk lets no file go: then rows would turn into tombstones for nothing,
   * of footage that is still there.
   */
  async #isStuck(): Promise<boolean> {
    const { removed, left, failure } = await this.#port.burial.finish();
    if (left.length > 0) this.#port.events.onFailed(toAppError(failure));
    // A single file may be stuck for a reason of its own.
    return left.length > 1 && removed.length === 0;
  }

  async #evictAged(signal: AbortSignal): Promise<void> {
    const { reader, clock } = this.#port;
    const limits = this.#port.limits();
    const lensLimits = this.#port.lensLimits();
    const elapsedMs = clock.monotonicMs() - this.#agedAtMs;
    this.#agedAtMs += elapsedMs;
    for (const lens of reader.lenses()) {
      const maxAgeMs = lensLimits.get(lens)?.maxAgeMs ?? limits.maxAgeMs;
      if (maxAgeMs !== undefined) await this.#evictAgedOf(lens, { maxAgeMs, elapsedMs }, signal);
    }
  }

  async #evictAgedOf(
    lens: LensName,
    { maxAgeMs, elapsedMs }: { readonly maxAgeMs: DurationMs; readonly elapsedMs: DurationMs },
    signal: AbortSignal,
  ): Promise<void> {
    const { reader, clock, isInUse } = this.#port;
    let allowance = ageAllowanceBytes(reader.segments.evictableBytes(lens), maxAgeMs, elapsedMs);
    for (;;) {
      const aged = reader.eviction.olderThan(lens, clock.nowMs() - maxAgeMs, BATCH + IN_USE);
      const chosen = chooseForAge(aged, allowance, isInUse).slice(0, BATCH);
      if (chosen.length === 0) return;
      signal.throwIfAborted();
      if (!(await this.#evict(chosen, 'age'))) return;
      allowance -= sumOf(chosen);
      if (allowance <= 0) return;
    }
  }

  /** Returns whether any file went. */
  async #evict(segments: readonly EvictionCandidate[], why: Evicted['why']): Promise<boolean> {
    const { burial, events } = this.#port;
    const removal: Removal = await burial.bury(segments, 'evicted');
    // What was protected or removed in the meantime is not among them.
    const buried = new Set([...removal.removed, ...removal.left].map(segmentId));
    const gone = segments.filter((segment) => buried.has(segmentId(segment)));
    const unreceipted = gone.filter(({ receipted }) => !receipted);
    const { segments: count, bytes, lostSegments, lostBytes } = this.#totals;
    this.#totals = {
      segments: count + gone.length,
      bytes: bytes + sumOf(gone),
      lostSegments: lostSegments + unreceipted.length,
      lostBytes: lostBytes + sumOf(unreceipted),
    };
    for (const room of this.#rooms)
      room.noteEvicted(sumOf(gone.filter(({ lens }) => room.lens === undefined || lens === room.lens)));
    if (gone.length > 0) events.onEvicted({ why, segments: gone, unreceipted });
    if (removal.left.length > 0) events.onFailed(toAppError(removal.failure));
    return removal.removed.length > 0;
  }

  #judge({ lens, limits, gate }: Room, facts: StorageFacts): void {
    const { events } = this.#port;
    const isPaused = gate.closedBecause !== undefined;
    const pause = shortfallBytes(facts, limits, isPaused) > 0;
    if (pause === isPaused) return;
    if (pause) {
      gate.close(lens === undefined ? DISK_FULL : LENS_FULL);
      events.onPaused(facts, lens);
    } else {
      gate.open();
      events.onResumed(facts, lens);
    }
  }

  async #rest(signal: AbortSignal): Promise<void> {
    const wait = async (waitMs: DurationMs, wakes: boolean): Promise<void> => {
      const woken = new AbortController();
      const wake = (): void => woken.abort();
      signal.addEventListener('abort', wake, { once: true });
      if (wakes) this.#wake = wake;
      await sleep(this.#port.clock, waitMs, woken.signal).catch(() => undefined);
      this.#wake = undefined;
      signal.removeEventListener('abort', wake);
    };
    if (signal.aborted) return;
    await wait(MIN_LOOK_MS, false);
    if (!this.#isKicked && !hasEnded(signal)) await wait(LOOK_MS - MIN_LOOK_MS, true);
    this.#isKicked = false;
  }
}

/** What has limits: of the lenses those that have their own, and last the disk, which they may have relieved. */
function roomsOf(port: RetentionPort): Room[] {
  const { reader, clock, freeBytes, openBytes, gate } = port;
  const limits = port.limits();
  const { whenFull } = limits;
  const lenses = [...port.lensLimits()].flatMap(([lens, { maxBytes }]) =>
    maxBytes === undefined
      ? []
      : new Room({
          ...{ lens, reader, clock, openBytes: () => openBytes(lens), gate: gate(lens) },
          limits: { maxBytes, minFreeBytes: 0, maxAgeMs: undefined, whenFull },
          freeBytes: () => Promise.resolve(Number.POSITIVE_INFINITY),
        }),
  );
  const disk = { reader, clock, limits, freeBytes, openBytes: () => openBytes(), gate: gate() };
  return [...lenses, new Room({ ...disk, lens: undefined })];
}

/** Asked anew: a signal may have aborted since the last look at it. */
function hasEnded(signal: AbortSignal): boolean {
  return signal.aborted;
}

function sumOf(segments: readonly EvictionCandidate[]): number {
  return segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}
