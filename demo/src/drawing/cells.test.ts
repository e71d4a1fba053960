import { describe, expect, it, test } from 'vitest';
import type { Run } from '../timeline.js';
import { cellLength, cellsOf, gridFor } from './cells.js';
import { looks } from './looks.js';

const live = (startMs: number, endMs: number): Run => ({ startMs, endMs, state: 'verified', source: 'live' });
const stateOf = (state: string) => (startMs: number, endMs: number) => ({ startMs, endMs, state });
const unknown = stateOf('unknown');
const received = stateOf('received');

/** Runs as a row of ten cells of one second, in ASCII. */
function drawn(...runs: Run[]): string {
  const cells = cellsOf(runs, { startMs: 0, cellMs: 1_000, count: 10 });
  return cells.map((name) => looks[name].ascii).join('');
}

describe('cellsOf', () => {
  test.each([
    { note: 'nothing', runs: [], row: '          ' },
    { note: 'whole cells', runs: [live(0, 3_000), received(3_000, 5_000)], row: '###::     ' },
    {
      note: 'the state with the larger share',
      runs: [live(0, 2_600), received(2_600, 4_000)],
      row: '###:      ',
    },
    { note: 'a gap of a third of a cell', runs: [live(0, 2_650), unknown(2_650, 3_000)], row: '##?       ' },
    { note: 'a gap too short to see', runs: [live(0, 2_800), unknown(2_800, 3_000)], row: '###       ' },
    {
      note: 'several runs of one state together',
      runs: [live(0, 300), received(300, 700), live(700, 1_000)],
      row: '#         ',
    },
    { note: 'what is not expected as nothing', runs: [stateOf('not-expected')(0, 5_000)], row: '          ' },
    {
      note: 'verified footage by how it came',
      runs: [live(0, 2_000), { ...live(2_000, 4_000), source: 'completed' }],
      row: '##%%      ',
    },
  ])('draws $note', ({ runs, row }) => {
    expect(drawn(...runs)).toBe(row);
  });
});

describe('cellLength', () => {
  it('is the finest with which all of it fits', () => {
    expect(cellLength(60_000, 61)).toBe(1_000);
    expect(cellLength(61_500, 61)).toBe(2_000);
    expect(cellLength(60_000, 140)).toBe(500);
  });
});

describe('gridFor', () => {
  const size = { cellMs: 1_000, columns: 10 };

  it('begins with the cell of the beginning', () => {
    expect(gridFor(1_700, 4_000, size)).toEqual({ startMs: 1_000, cellMs: 1_000, count: 10 });
  });

  it('moves on so that the present is in its last cell', () => {
    expect(gridFor(1_700, 25_300, size)).toEqual({ startMs: 16_000, cellMs: 1_000, count: 10 });
  });
});
