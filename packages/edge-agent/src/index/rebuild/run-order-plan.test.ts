import { describe, expect, it } from 'vitest';
import type { PlacedRun } from './run-order-plan.js';
import { numberRuns } from './run-order-plan.js';

function run(name: string, startMs: number, place?: number, lensId = 1): PlacedRun {
  return { lensId, name, startMs, place };
}

const numbered = (...runs: readonly PlacedRun[]): Record<string, number> =>
  Object.fromEntries(numberRuns(runs).map(({ name, id }) => [name, id]));

describe('numberRuns', () => {
  it('keeps the numbers that the journal knows, also where the wall clock was set back', () => {
    expect(numbered(run('late', 900, 4), run('set-back', 100, 7), run('first', 500, 2))).toEqual({
      first: 2,
      late: 4,
      'set-back': 7,
    });
  });

  it('puts a run that no journal knows behind the last of its lens that began earlier', () => {
    expect(numbered(run('a', 100, 1), run('lost', 200), run('b', 300, 5), run('other', 150, 3, 2))).toEqual({
      a: 1,
      lost: 2,
      other: 3,
      b: 5,
    });
  });

  it('moves numbers on where there is no room in between', () => {
    expect(numbered(run('a', 100, 1), run('lost', 200), run('b', 300, 2))).toEqual({ a: 1, lost: 2, b: 3 });
  });

  it('orders by the wall clock, and then by name, where nothing else is known', () => {
    expect(numbered(run('y', 200), run('z', 100), run('x', 200))).toEqual({ z: 1, x: 2, y: 3 });
  });
});
