import type { Layer, Piece, Range } from '@gapless/shared/interval';
import { partition, RangeSet } from '@gapless/shared/interval';
import type { EpochMs } from '@gapless/shared/time';

/** The states of an instant of a lens; always exactly one. `docs/glossary.md` gives each its meaning. */
export const timelineStates = [
  'verified',
  'received',
  'missing',
  'requested',
  'transferring',
  'unknown',
  'lost',
  'not-recorded',
  'not-expected',
] as const;

export type TimelineState = (typeof timelineStates)[number];

export const stateReasons = [
  'evicted',
  'corrupt',
  'device-replaced',
  'off',
  'no-signal',
  'unexplained',
] as const;
export type StateReason = (typeof stateReasons)[number];

/** How verified footage came. */
export const sources = ['live', 'completed'] as const;
export type Source = (typeof sources)[number];

/** What is true of an instant. Two equal ones are the same object, so that neighbours can be joined by identity. */
export interface Standing {
  readonly state: TimelineState;
  readonly reason?: StateReason;
  readonly source?: Source;
}

/** A stretch of a timeline in one state. */
export type TimelineRun = Range & Standing;

/** Everything that decides the states of a lens in a window, each restricted to it. */
export interface TimelineFacts {
  readonly live: RangeSet;
  readonly fetched: RangeSet;
  readonly received: RangeSet;
  /** Central had it and gave it up by its own retention. */
  readonly expired: RangeSet;
  /** Extents of objects whose bytes are under way. */
  readonly transferring: RangeSet;
  /** What active requests ask for. */
  readonly requested: RangeSet;
  /** Closed segments of the vehicle, and the one that it is writing. */
  readonly held: RangeSet;
  /** Held before the vehicle's index was made anew. */
  readonly formerlyHeld: RangeSet;
  readonly lost: Readonly<Record<'evicted' | 'corrupt' | 'device-replaced', RangeSet>>;
  readonly absent: Readonly<Record<'off' | 'no-signal' | 'unexplained', RangeSet>>;
  /** Footage is expected from here on; undefined when none ever was. */
  readonly expectedFromMs: EpochMs | undefined;
  /** The vehicle's word reaches up to here. */
  readonly asOfMs: EpochMs | undefined;
  /** Whether the vehicle said, as its last word, that this lens stops. */
  readonly stopped: boolean;
  /** Footage can exist up to here: now, or the vehicle's last word while it is connected. */
  readonly frontierMs: EpochMs;
}

const STANDINGS = {
  live: { state: 'verified', source: 'live' },
  completed: { state: 'verified', source: 'completed' },
  received: { state: 'received' },
  transferring: { state: 'transferring' },
  requested: { state: 'requested' },
  missing: { state: 'missing' },
  unknown: { state: 'unknown' },
  evicted: { state: 'lost', reason: 'evicted' },
  corrupt: { state: 'lost', reason: 'corrupt' },
  deviceReplaced: { state: 'lost', reason: 'device-replaced' },
  off: { state: 'not-recorded', reason: 'off' },
  noSignal: { state: 'not-recorded', reason: 'no-signal' },
  unexplained: { state: 'not-recorded', reason: 'unexplained' },
  notExpected: { state: 'not-expected' },
} as const satisfies Record<string, Standing>;

/**
 * Gives every instant of `window` exactly one state. The order of the layers is the rule: what is proven here counts
 * before what is on its way, that before what the vehicle holds, that before what nobody has any more.
 */
export function statesOf(window: Range, facts: TimelineFacts): TimelineRun[] {
  const { expectedFromMs, asOfMs, frontierMs, stopped } = facts;
  const expected = expectedFromMs === undefined ? RangeSet.empty : between(expectedFromMs, frontierMs);
  const beyondCatalogue = between(Math.max(asOfMs ?? 0, expectedFromMs ?? 0), frontierMs).intersect(expected);
  const unsure = stopped ? facts.formerlyHeld : beyondCatalogue.union(facts.formerlyHeld);
  const within = facts.held.union(unsure);
  const layers: Layer<Standing>[] = [
    { value: STANDINGS.live, ranges: facts.live },
    { value: STANDINGS.completed, ranges: facts.fetched },
    { value: STANDINGS.received, ranges: facts.received },
    // Before what the vehicle holds: what retention gave up is not asked for again, so it is lost wherever it still is.
    { value: STANDINGS.evicted, ranges: facts.expired },
    { value: STANDINGS.transferring, ranges: facts.transferring },
    // Of what nobody has, nothing can come, whoever asks for it.
    { value: STANDINGS.requested, ranges: facts.requested.intersect(within) },
    { value: STANDINGS.missing, ranges: facts.held },
    { value: STANDINGS.unknown, ranges: facts.formerlyHeld },
    { value: STANDINGS.evicted, ranges: facts.lost.evicted },
    { value: STANDINGS.corrupt, ranges: facts.lost.corrupt },
    { value: STANDINGS.deviceReplaced, ranges: facts.lost['device-replaced'] },
    { value: STANDINGS.noSignal, ranges: facts.absent['no-signal'] },
    { value: STANDINGS.unexplained, ranges: facts.absent.unexplained },
    { value: STANDINGS.off, ranges: facts.absent.off },
    { value: stopped ? STANDINGS.off : STANDINGS.unknown, ranges: beyondCatalogue },
    { value: STANDINGS.unexplained, ranges: expected },
  ];
  return partition<Standing>(window, layers, STANDINGS.notExpected).map(toRun);
}

function between(startMs: EpochMs, endMs: EpochMs): RangeSet {
  return startMs < endMs ? RangeSet.of({ startMs, endMs }) : RangeSet.empty;
}

function toRun({ startMs, endMs, value }: Piece<Standing>): TimelineRun {
  return { startMs, endMs, ...value };
}
