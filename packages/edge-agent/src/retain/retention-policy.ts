import type { SegmentRef } from '@gapless/shared/ids';
import type { DurationMs } from '@gapless/shared/time';
import { MINUTE_MS } from '@gapless/shared/time';
import type { EvictionCandidate } from '../index/eviction-queries.js';

/** What the configuration allows the recordings. */
export interface RetentionLimits {
  /** The recordings never take more; undefined for no limit. */
  readonly maxBytes: number | undefined;
  /** Always left free on the disk. */
  readonly minFreeBytes: number;
  /** Older recordings go; undefined for no limit. */
  readonly maxAgeMs: DurationMs | undefined;
  /** Whether footage that central does not have may make room. */
  readonly whenFull: 'evict-oldest' | 'stop-recording';
}

/** What the configuration allows the recordings of one lens, apart from what it allows them all. */
export interface LensLimits {
  /** They never take more, protected ones aside; undefined for no limit. */
  readonly maxBytes: number | undefined;
  /** In place of {@link RetentionLimits.maxAgeMs}; undefined for that. */
  readonly maxAgeMs: DurationMs | undefined;
}

/** How full the disk is, or the share of a lens. */
export interface StorageFacts {
  /** Bytes of all closed segments. */
  readonly usedBytes: number;
  /** Bytes of the segments that are being written. */
  readonly openBytes: number;
  /** What is going to be written until the next look, judged by what was written of late. */
  readonly growthBytes: number;
  /** What the disk still takes. */
  readonly freeBytes: number;
}

/** By how many bytes the limits are going to be exceeded before the next look; 0 when they hold. */
export function excessBytes(facts: StorageFacts, limits: RetentionLimits): number {
  const { usedBytes, openBytes, growthBytes, freeBytes } = facts;
  const overSize = usedBytes + openBytes + growthBytes - (limits.maxBytes ?? Number.POSITIVE_INFINITY);
  const overFree = limits.minFreeBytes + growthBytes - freeBytes;
  return Math.max(0, overSize, overFree);
}

/** How much the recordings may take at all, as the disk is now. */
export function roomBytes(
  facts: Omit<StorageFacts, 'growthBytes'>,
  limits: Pick<RetentionLimits, 'maxBytes' | 'minFreeBytes'>,
): number {
  const { usedBytes, openBytes, freeBytes } = facts;
  const onDisk = usedBytes + openBytes + freeBytes - limits.minFreeBytes;
  return Math.max(0, Math.min(limits.maxBytes ?? Number.POSITIVE_INFINITY, onDisk));
}

/** Segments that may have to go, each list the oldest first. */
export interface Candidates {
  readonly receipted: readonly EvictionCandidate[];
  readonly unreceipted: readonly EvictionCandidate[];
}

export interface Choice {
  readonly limits: Pick<RetentionLimits, 'whenFull'>;
  /** Whether a segment is being sent, so that it has to stay. */
  readonly isInUse: (segment: SegmentRef) => boolean;
}

/**
 * The segments that make room for `bytes`: what central has, the oldest first, then the oldest of the rest, if footage
 * may be lost at all. What is being sent stays. Fewer than are needed when there are no more to give.
 */
export function chooseForSpace(bytes: number, candidates: Candidates, choice: Choice): EvictionCandidate[] {
  const { receipted, unreceipted } = candidates;
  const order = choice.limits.whenFull === 'evict-oldest' ? [...receipted, ...unreceipted] : receipted;
  const chosen: EvictionCandidate[] = [];
  let freed = 0;
  for (const candidate of order) {
    if (freed >= bytes) break;
    if (choice.isInUse(candidate)) continue;
    chosen.push(candidate);
    freed += candidate.sizeBytes;
  }
  return chosen;
}

/** However far the wall clock jumps ahead, age alone does not empty the store faster than this. */
const EMPTYING_MS = 100 * MINUTE_MS;

/**
 * How many bytes may go because of their age now. A clock that jumps years ahead makes everything old at once; so that
 * this can be noticed before all is gone, age takes at most a hundredth of the store a minute. Where little age is
 * allowed, more must go, but never faster than twice as fast as footage ages.
 *
 * @param elapsedMs since the last time that this was asked
 */
export function ageAllowanceBytes(usedBytes: number, maxAgeMs: DurationMs, elapsedMs: DurationMs): number {
  return Math.floor((usedBytes * elapsedMs) / Math.min(EMPTYING_MS, maxAgeMs / 2));
}

/** Those of the too old segments that go now: at least one, and no more than the allowance. */
export function chooseForAge(
  aged: readonly EvictionCandidate[],
  allowanceBytes: number,
  isInUse: Choice['isInUse'],
): EvictionCandidate[] {
  const chosen: EvictionCandidate[] = [];
  let bytes = 0;
  for (const candidate of aged) {
    if (isInUse(candidate)) continue;
    bytes += candidate.sizeBytes;
    if (chosen.length > 0 && bytes > allowanceBytes) break;
    chosen.push(candidate);
  }
  return chosen;
}

/** Recording begins again when there is room for this many looks, so that it does not stop again at once. */
const RESUME_LOOKS = 6;
/** Or for this much, where nothing is known of how fast footage comes. */
const RESUME_BYTES = 16 * 2 ** 20;
/** But no more than this part of what the recordings may take at all. */
const RESUME_RATIO = 0.1;

/**
 * By how many bytes room is short: for recording to go on, or, while it pauses, to begin again with room for a while.
 * Once nothing more may be evicted, recording has to pause as long as this is not 0.
 */
export function shortfallBytes(facts: StorageFacts, limits: RetentionLimits, isPaused: boolean): number {
  if (!isPaused) return excessBytes(facts, limits);
  const atLeast = Math.min(RESUME_BYTES, roomBytes(facts, limits) * RESUME_RATIO);
  const growthBytes = Math.max(facts.growthBytes * RESUME_LOOKS, atLeast);
  return excessBytes({ ...facts, growthBytes }, limits);
}
