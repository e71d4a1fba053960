import { describe, expect, it } from 'vitest';
import { axis } from './axis.js';

const midnight = Date.UTC(2026, 10, 20);

describe('axis', () => {
  it('puts each mark under the cell that begins with its time', () => {
    const grid = { startMs: midnight + 7_000, cellMs: 1_000, count: 30 };
    expect(axis(grid, '|')).toBe('   |00:00:10 |00:00:20        ');
  });

  it('leaves room between the labels however long a cell is', () => {
    const grid = { startMs: midnight, cellMs: 5_000, count: 30 };
    expect(axis(grid, '|')).toBe('|00:00:00   |00:01:00         ');
  });
});
