import type { RangeSet } from '@gapless/shared/interval';
import type { RequestReason, RequestState } from '../store/requests.js';

/** What is known of the ranges of a request once nothing of them is on its way. */
export interface OutcomeFacts {
  readonly ranges: RangeSet;
  readonly verified: RangeSet;
  /** What central does not keep: it is neither asked for nor counted as held. */
  readonly notKept: RangeSet;
  readonly held: RangeSet;
  /** What the vehicle may still tell of: the segment that it is writing, and all beyond its last word. */
  readonly toCome: RangeSet;
  readonly evicted: RangeSet;
  readonly corrupt: RangeSet;
  readonly noSignal: RangeSet;
  /** Extents of segments that were not what the vehicle says, however often they came. */
  readonly unprovable: RangeSet;
  /** How often in a row nothing came of asking. */
  readonly fruitless: number;
}

/** How a request ends, or what it does next. */
export type Outcome =
  | { readonly verdict: 'ended'; readonly state: RequestState; readonly reason: RequestReason | undefined }
  /** The vehicle still holds something of it that is not here: it is listed again. */
  | { readonly verdict: 'again' }
  | { readonly verdict: 'wait'; readonly reason: RequestReason };

/** Asking again for what never comes is not done for ever. */
export const MAX_FRUITLESS = 3;

/** Judges a request by verified samples alone: what is not covered is named with the reason that weighs most. */
export function outcomeOf(facts: OutcomeFacts): Outcome {
  const { ranges, verified, notKept, held, toCome, fruitless } = facts;
  const missing = ranges.subtract(verified);
  if (missing.isEmpty) return { verdict: 'ended', state: 'done', reason: undefined };
  const obtainable = missing.subtract(notKept);
  if (obtainable.overlaps(held) && fruitless < MAX_FRUITLESS) return { verdict: 'again' };
  if (obtainable.overlaps(toCome)) return { verdict: 'wait', reason: 'STILL_RECORDING' };
  const state = missing.totalMs < ranges.totalMs ? 'partly-done' : 'failed';
  return { verdict: 'ended', state, reason: reasonFor(missing, facts) };
}

function reasonFor(missing: RangeSet, facts: OutcomeFacts): RequestReason {
  const { notKept, held, evicted, corrupt, noSignal, unprovable } = facts;
  const obtainable = missing.subtract(notKept);
  if (obtainable.overlaps(held.intersect(unprovable))) return 'FAILED_VERIFY';
  if (obtainable.overlaps(held)) return 'FAILED_TRANSFER';
  if (missing.overlaps(corrupt)) return 'DAMAGED';
  if (missing.overlaps(evicted.union(notKept))) return 'OVERWRITTEN';
  if (missing.overlaps(noSignal)) return 'NO_SIGNAL';
  return 'NEVER_RECORDED';
}
