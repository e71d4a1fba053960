import type { DurationMs } from '@gapless/shared/time';

/** What the decision to begin a new segment looks at. */
export interface RotationFacts {
  /** Media time already in the open segment. */
  readonly segmentMs: DurationMs;
  /** Whether the next fragment begins with a sync sample. */
  readonly startsWithSync: boolean;
  /** Length of the next fragment. */
  readonly fragmentMs: DurationMs;
}

/**
 * Whether the next fragment begins a new segment. Only a sync sample may begin one; among those, the one nearest to
 * the wanted length does, so that 10 s segments of a camera with a 1.001 s GOP stay at ten GOPs.
 */
export function beginsSegment(facts: RotationFacts, segmentDurationMs: DurationMs): boolean {
  return facts.startsWithSync && facts.segmentMs + facts.fragmentMs / 2 >= segmentDurationMs;
}
