import { describe, expect, it } from 'vitest';
import { Chapters } from '../chapters.js';
import type { Run } from '../timeline.js';
import { lineText } from './line.js';
import { looks } from './looks.js';
import type { PictureFacts } from './picture.js';
import { picture } from './picture.js';

const startMs = Date.UTC(2026, 10, 20, 13, 22, 0);
const at = (seconds: number): number => startMs + seconds * 1_000;
const run = (from: number, to: number, state: string, source?: string): Run => ({
  startMs: at(from),
  endMs: at(to),
  state,
  ...(source === undefined ? {} : { source }),
});

function facts(): PictureFacts {
  const chapters = new Chapters();
  chapters.begin('Live', at(0), 'both vehicles record');
  chapters.end('Live', 'both vehicles record, and stream to central');
  chapters.begin('Tunnel', at(14), 'the link of tram-214 is dead; it records on. 4 s to go.');
  const tunnel = [run(0, 10, 'verified', 'live'), run(10, 14, 'received'), run(14, 30, 'unknown')];
  const other = [run(0, 4, 'verified', 'completed'), run(4, 20, 'verified', 'live'), run(20, 29, 'received')];
  return {
    snapshot: {
      atMs: at(30),
      lenses: [
        { path: 'tram-214/front', runs: tunnel },
        { path: 'tram-214/rear', runs: tunnel },
        { path: 'bus-042/front', runs: other },
        { path: 'bus-042/rear', runs: other },
      ],
      connected: new Set(['bus-042']),
    },
    fromMs: at(0),
    plannedMs: 60_000,
    cuts: [{ startMs: at(14), endMs: Number.MAX_SAFE_INTEGER }],
    chapters: chapters.all,
    keys: 'q  quit',
  };
}

function drawn(columns: number, unicode: boolean): string {
  const abilities = { colour: false, unicode };
  return picture(facts(), columns, abilities)
    .map((line) => `${lineText(line, columns, abilities)}\n`)
    .join('');
}

describe('picture', () => {
  it('shows link and lenses of each vehicle, the wall clock, the legend and the story', () => {
    expect(`\n${drawn(79, true)}`).toBe(`
 Gapless: every second of video, from the vehicle to central       13:22:30 UTC

 tram-214  link   ━━━━━━━━━━━━━━╳╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌
           front  ██████████░░░░????????????????
           rear   ██████████░░░░????????????????

 bus-042   link   ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
           front  ▓▓▓▓████████████████░░░░░░░░░
           rear   ▓▓▓▓████████████████░░░░░░░░░
                  ╵13:22:00 ╵13:22:10 ╵13:22:20 ╵13:22:30 ╵13:22:40 ╵13:22:50

 █ verified, came live   ▓ verified, completed later   ░ received   ? unknown
 ! missing   ○ requested   ↑ transferring   ╌ link cut

 ✓ 13:22:00  Live    both vehicles record, and stream to central
 ⠋ 13:22:14  Tunnel  the link of tram-214 is dead; it records on. 4 s to go.
             Return  the link is back; only what is missing comes
             Whole   the gap is closed
             Proof   every frame is counted

 q  quit
`);
  });

  it('fits into a terminal of 80 by 24', () => {
    expect(drawn(79, true).split('\n').length).toBeLessThan(24);
  });

  it('does without Unicode', () => {
    expect(drawn(79, false)).toMatch(/^[\n -~]*$/);
  });
});

describe('looks', () => {
  it('tell the states apart without colour', () => {
    for (const key of ['symbol', 'ascii'] as const) {
      const symbols = Object.values(looks).map((look) => look[key]);
      expect(new Set(symbols).size).toBe(symbols.length);
    }
  });
});
