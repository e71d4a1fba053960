import { describe, expect, it } from 'vitest';
import { Chapters } from '../chapters.js';
import type { Run } from '../timeline.js';
import { LineShow } from './line-show.js';

const startMs = Date.UTC(2026, 10, 20, 13, 22, 0);
const path = 'tram-214/front';

/** What a show writes when it is shown one lens at each of these moments. */
function told(moments: readonly (readonly [atSeconds: number, runs: readonly Run[]])[]): string[] {
  const chapters = new Chapters();
  let text = '';
  using show = new LineShow({ write: (more) => (text += more) }, { colour: true, unicode: false });
  chapters.begin('Live', startMs, 'both vehicles record');
  for (const [atSeconds, runs] of moments) {
    show.update({
      snapshot: { atMs: startMs + atSeconds * 1_000, lenses: [{ path, runs }], connected: new Set() },
      fromMs: startMs,
      plannedMs: 40_000,
      cuts: [],
      chapters: chapters.all,
      keys: '',
    });
  }
  return text.trimEnd().split('\n');
}

const run = (from: number, to: number, state: string): Run => ({
  startMs: startMs + from * 1_000,
  endMs: startMs + to * 1_000,
  state,
});

describe('LineShow', () => {
  it('writes a line when something has changed, and none while it only grows', () => {
    const lines = told([
      [2, [run(0, 2, 'received')]],
      [4, [run(0, 4, 'received')]],
      [8, [run(0, 4, 'verified'), run(4, 8, 'unknown')]],
      [9, [run(0, 4, 'verified'), run(4, 9, 'unknown')]],
      [10, [run(0, 10, 'verified')]],
    ]);
    expect(lines).toEqual([
      '13:22:02  Live            both vehicles record',
      '13:22:02  tram-214/front  ::  received',
      '13:22:08  tram-214/front  ####????  unknown 4.0 s',
      '13:22:10  tram-214/front  ##########  verified',
    ]);
  });
});
