import type { Range } from '@gapless/shared/interval';
import { RangeSet } from '@gapless/shared/interval';
import type { EpochMs } from '@gapless/shared/time';
import type { CoverageLayer } from '../store/coverage.js';
import type { Lens } from '../store/lenses.js';
import type { StoreReader } from '../store/store.js';
import { frontierOf, isRecent } from './frontier-policy.js';
import type { TimelineFacts, TimelineRun, TimelineState } from './states.js';
import { statesOf } from './states.js';

/** The states in which footage that was expected is not here. Footage on its way into proof is not missing. */
const GAP_STATES: ReadonlySet<TimelineState> = new Set([
  'missing',
  'requested',
  'transferring',
  'unknown',
  'lost',
  'not-recorded',
]);

/** The timeline of a lens over a window: a partition of it, in order. Costs what it returns, whatever is stored. */
export function timelineOf(store: StoreReader, lens: Lens, window: Range, nowMs: EpochMs): TimelineRun[] {
  return statesOf(window, factsOf(store, lens, window, nowMs));
}

/** Stretches of a timeline in which footage that was expected is not verified, each with its state and reason. */
export function gapsOf(runs: readonly TimelineRun[]): TimelineRun[] {
  return runs.filter(({ state, reason }) => GAP_STATES.has(state) && reason !== 'off');
}

function factsOf(store: StoreReader, lens: Lens, window: Range, nowMs: EpochMs): TimelineFacts {
  const layer = (name: CoverageLayer): RangeSet => store.coverage.within(lens.id, name, window);
  const open = lens.open ? RangeSet.of(lens.open).within(window) : RangeSet.empty;
  const lastSeenMs = store.vehicles.byId(lens.vehicleId)?.lastSeenMs;
  const connected = isRecent(lastSeenMs, nowMs);
  return {
    live: layer('live'),
    fetched: layer('fetched'),
    received: layer('received'),
    expired: layer('expired'),
    transferring: RangeSet.from(store.transfers.extentsUnderWay(lens.id, window)).within(window),
    requested: store.requests.activeRanges(lens.id).within(window),
    held: layer('held').union(open),
    formerlyHeld: layer('formerly-held'),
    lost: {
      evicted: layer('lost:evicted'),
      corrupt: layer('lost:corrupt'),
      'device-replaced': layer('lost:device-replaced'),
    },
    absent: {
      off: layer('absent:off'),
      'no-signal': layer('absent:no-signal'),
      unexplained: layer('absent:unexplained'),
    },
    expectedFromMs: lens.expectedMs,
    asOfMs: lens.asOfMs,
    stopped: lens.state === 'stopped' && !connected,
    frontierMs: frontierOf({ connected, asOfMs: lens.asOfMs }, nowMs),
  };
}
