import { assert } from '@gapless/shared/errors';
import type { DurationMs } from '@gapless/shared/time';
import type { TimelineRun, TimelineState } from './states.js';

/** The worst first: what a person who looks from afar must not miss. */
const SEVERITY: readonly TimelineState[] = [
  'lost',
  'not-recorded',
  'requested',
  'unknown',
  'missing',
  'transferring',
  'received',
  'not-expected',
  'verified',
];

const FINEST_MS: DurationMs = 100;

/**
 * Fewer runs for a wide view. Neighbours that are all shorter than a tolerance become one run in the worst of their
 * states, so that a gap never disappears; a run that is not shorter keeps its state and its boundaries, so that a
 * moment's gap never paints the hours around it. Still a partition of the same window.
 */
export function coarsen(
  runs: readonly TimelineRun[],
  maxRuns: number,
): { runs: readonly TimelineRun[]; mergedBelowMs: DurationMs | undefined } {
  assert(maxRuns >= 1, 'a view has room for one run at least');
  let coarse = runs;
  let mergedBelowMs: DurationMs | undefined;
  for (let toleranceMs = FINEST_MS; coarse.length > maxRuns; toleranceMs *= 2) {
    coarse = meltBelow(runs, toleranceMs);
    mergedBelowMs = toleranceMs;
  }
  return { runs: coarse, mergedBelowMs };
}

function meltBelow(runs: readonly TimelineRun[], toleranceMs: DurationMs): TimelineRun[] {
  const out: TimelineRun[] = [];
  /** Short runs in a row, melted so far; as soon as they are long enough together they stand for themselves. */
  let short: TimelineRun | undefined;
  const close = (): void => {
    if (short) append(out, short);
    short = undefined;
  };
  for (const run of runs) {
    if (lengthOf(run) >= toleranceMs) {
      close();
      append(out, run);
      continue;
    }
    short = short ? { ...worse(short, run), startMs: short.startMs, endMs: run.endMs } : run;
    if (lengthOf(short) >= toleranceMs) close();
  }
  close();
  return out;
}

function append(out: TimelineRun[], run: TimelineRun): void {
  const last = out.at(-1);
  if (last && sameStanding(last, run)) out[out.length - 1] = { ...last, endMs: run.endMs };
  else out.push(run);
}

function lengthOf(run: TimelineRun): DurationMs {
  return run.endMs - run.startMs;
}

function worse(a: TimelineRun, b: TimelineRun): TimelineRun {
  return SEVERITY.indexOf(a.state) <= SEVERITY.indexOf(b.state) ? a : b;
}

function sameStanding(a: TimelineRun, b: TimelineRun): boolean {
  return a.state === b.state && a.reason === b.reason && a.source === b.source;
}
