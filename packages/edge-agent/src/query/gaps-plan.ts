import type { Layer, Range } from '@gapless/shared/interval';
import { partition, RangeSet } from '@gapless/shared/interval';
import type { AbsenceReason, TombstoneReason } from '@gapless/shared/protocol';
import type { EpochMs } from '@gapless/shared/time';

/**
 * Why the vehicle has no footage of a stretch. `evicted`, `removed`, `corrupt`: it had some, and it was deleted. `off`,
 * `no-signal`, `unexplained`: it never had any. `not-yet`: nothing is known of it yet, because it lies in the future or
 * is being recorded at this moment.
 */
export type HeldGapReason = TombstoneReason | AbsenceReason | 'not-yet';

export interface HeldGap extends Range {
  readonly reason: HeldGapReason;
}

export interface GapFacts {
  /** What the vehicle holds. */
  readonly coverage: RangeSet;
  readonly deleted: readonly (Range & { readonly reason: TombstoneReason })[];
  /** Stretches inside of segments without a picture. */
  readonly holes: readonly Range[];
  readonly absences: readonly (Range & { readonly reason: AbsenceReason })[];
  /** From here on nothing is known yet. */
  readonly asOfMs: EpochMs;
}

/** What is not held of `window`, in order, each stretch with one reason: the first that applies. */
export function heldGaps(window: Range, facts: GapFacts): HeldGap[] {
  const layers: Layer<HeldGapReason | 'held'>[] = [{ value: 'held', ranges: facts.coverage }];
  for (const reason of ['evicted', 'removed', 'corrupt'] as const)
    layers.push({ value: reason, ranges: withReason(facts.deleted, reason) });
  layers.push({ value: 'no-signal', ranges: RangeSet.from(facts.holes) });
  for (const reason of ['off', 'no-signal', 'unexplained'] as const)
    layers.push({ value: reason, ranges: withReason(facts.absences, reason) });
  // Last, since a clock that was set back makes what is known lie in the future.
  if (facts.asOfMs < window.endMs) {
    const unknown = { startMs: Math.max(facts.asOfMs, window.startMs), endMs: window.endMs };
    layers.push({ value: 'not-yet', ranges: RangeSet.of(unknown) });
  }
  const gaps: HeldGap[] = [];
  for (const { value, startMs, endMs } of partition(window, layers, 'unexplained' as const))
    if (value !== 'held') gaps.push({ startMs, endMs, reason: value });
  return gaps;
}

function withReason<Reason>(
  stretches: readonly (Range & { readonly reason: Reason })[],
  wanted: Reason,
): RangeSet {
  return RangeSet.from(stretches.filter(({ reason }) => reason === wanted));
}
