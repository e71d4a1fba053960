import { describe, expect, it } from 'vitest';
import { SeenGaps } from './seen-gaps.js';
import type { Run, Snapshot } from './timeline.js';

const path = 'tram-214/front';
const cut = { startMs: 20, endMs: 40 };

const run = (startMs: number, endMs: number, state: string, source?: string): Run => ({
  startMs,
  endMs,
  state,
  source,
});
const live = run(0, 20, 'verified', 'live');
const snapshot = (...runs: Run[]): Snapshot => ({ atMs: 50, lenses: [{ path, runs }], connected: new Set() });

/** Whether the gap is filled after central has said all this, one after the other. */
function isFilled(...said: Snapshot[]): boolean {
  const gaps = new SeenGaps();
  for (const one of said) gaps.note(one);
  return gaps.isFilled(said.at(-1)!, path, cut);
}

describe('SeenGaps', () => {
  it('knows the longest gap of a vehicle', () => {
    const gaps = new SeenGaps();
    gaps.note(snapshot(live, run(20, 50, 'unknown')));
    gaps.note(snapshot(live, run(20, 30, 'missing'), run(30, 50, 'verified', 'completed')));
    expect(gaps.longestMs('tram-214')).toBe(30);
    expect(gaps.longestMs('bus-042')).toBe(0);
  });

  const missing = snapshot(live, run(20, 42, 'transferring'), run(42, 50, 'received'));

  it('takes a gap for filled once what was missing is verified, while live footage behind it is not', () => {
    expect(isFilled(missing)).toBe(false);
    expect(isFilled(missing, snapshot(live, run(20, 42, 'received'), run(42, 55, 'received')))).toBe(false);
    expect(
      isFilled(missing, snapshot(live, run(20, 41, 'verified', 'completed'), run(41, 55, 'received'))),
    ).toBe(false);
    expect(
      isFilled(missing, snapshot(live, run(20, 42, 'verified', 'completed'), run(42, 55, 'received'))),
    ).toBe(true);
  });

  it('does not while something is unknown, or was never completed', () => {
    const completed = run(20, 42, 'verified', 'completed');
    expect(isFilled(missing, snapshot(live, completed, run(42, 50, 'unknown')))).toBe(false);
    expect(isFilled(snapshot(live))).toBe(false);
    expect(isFilled(snapshot(run(0, 10, 'verified', 'completed'), run(10, 50, 'verified', 'live')))).toBe(
      false,
    );
  });
});
