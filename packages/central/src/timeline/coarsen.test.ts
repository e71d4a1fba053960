import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { coarsen } from './coarsen.js';
import type { TimelineRun, TimelineState } from './states.js';

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

/** A timeline of `[state, length in ms]`. */
function timeline(...parts: readonly (readonly [TimelineState, number])[]): TimelineRun[] {
  let atMs = 0;
  return parts.map(([state, lengthMs]) => ({ state, startMs: atMs, endMs: (atMs += lengthMs) }));
}

const aTimeline = fc
  .array(
    fc.tuple(
      fc.constantFrom(...SEVERITY),
      fc.oneof(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 1, max: 1e6 })),
    ),
    {
      minLength: 1,
      maxLength: 60,
    },
  )
  .map((parts) => parts.filter(([state], i) => i === 0 || state !== parts[i - 1]![0]))
  .map((parts) => timeline(...parts));

const stateAt = (runs: readonly TimelineRun[], instantMs: number): TimelineRun =>
  runs.find(({ startMs, endMs }) => startMs <= instantMs && instantMs < endMs)!;

describe(coarsen, () => {
  it('leaves a timeline alone that is short enough', () => {
    const runs = timeline(['verified', 10], ['missing', 1], ['verified', 10]);
    expect(coarsen(runs, 3)).toEqual({ runs, mergedBelowMs: undefined });
  });

  it('never lets a moment’s gap paint the hours around it', () => {
    const hour = 3_600_000;
    const flapping = Array.from({ length: 20 }, () => [
      ['missing', 10] as const,
      ['verified', 10] as const,
    ]).flat();
    const runs = timeline(['verified', 10 * hour], ...flapping, ['lost', 10], ['verified', 10 * hour]);
    const { runs: coarse } = coarsen(runs, 10);
    expect(coarse[0]).toMatchObject({ state: 'verified', startMs: 0, endMs: 10 * hour });
    expect(coarse.at(-1)).toMatchObject({ state: 'verified' });
    expect(coarse.some(({ state }) => state === 'lost')).toBe(true);
    const painted = coarse.filter(({ state }) => state !== 'verified');
    expect(painted.reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0)).toBeLessThan(500);
  });

  it('fits, tiles the same window, and never shows a better state than there is', () => {
    fc.assert(
      fc.property(aTimeline, fc.integer({ min: 1, max: 20 }), (runs, maxRuns) => {
        const { runs: coarse, mergedBelowMs } = coarsen(runs, maxRuns);
        expect(coarse.length).toBeLessThanOrEqual(maxRuns);
        expect(coarse[0]!.startMs).toBe(runs[0]!.startMs);
        expect(coarse.at(-1)!.endMs).toBe(runs.at(-1)!.endMs);
        coarse.slice(1).forEach((run, i) => expect(run.startMs).toBe(coarse[i]!.endMs));
        for (const run of runs) {
          const shown = stateAt(coarse, run.startMs);
          expect(SEVERITY.indexOf(shown.state)).toBeLessThanOrEqual(SEVERITY.indexOf(run.state));
          // What is not shorter than the tolerance is shown as it is.
          if (run.endMs - run.startMs >= (mergedBelowMs ?? 0)) {
            expect(shown.state).toBe(run.state);
            expect(shown.startMs).toBeLessThanOrEqual(run.startMs);
            expect(shown.endMs).toBeGreaterThanOrEqual(run.endMs);
          }
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
