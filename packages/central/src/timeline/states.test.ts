import { RangeSet } from '@gapless/shared/interval';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { at, cells, draw, windowOf } from '../../../../test/support/drawn-timeline.js';
import type { TimelineFacts } from './states.js';
import { statesOf } from './states.js';
import { gapsOf } from './timeline.js';

/** One drawing a layer; a cell that is not blank is in it. */
interface Drawn {
  live?: string;
  fetched?: string;
  received?: string;
  expired?: string;
  transferring?: string;
  requested?: string;
  held?: string;
  formerly?: string;
  evicted?: string;
  corrupt?: string;
  replaced?: string;
  off?: string;
  noSignal?: string;
  unexplained?: string;
  /** Cells. */
  expectedFrom?: number;
  asOf?: number;
  frontier?: number;
  stopped?: boolean;
}

const drawn = (text = ''): RangeSet =>
  [...new Set(text)]
    .filter((letter) => letter !== ' ')
    .reduce((set, letter) => set.union(cells(text, letter)), RangeSet.empty);

function facts(layers: Drawn): TimelineFacts {
  return {
    live: drawn(layers.live),
    fetched: drawn(layers.fetched),
    received: drawn(layers.received),
    expired: drawn(layers.expired),
    transferring: drawn(layers.transferring),
    requested: drawn(layers.requested),
    held: drawn(layers.held),
    formerlyHeld: drawn(layers.formerly),
    lost: {
      evicted: drawn(layers.evicted),
      corrupt: drawn(layers.corrupt),
      'device-replaced': drawn(layers.replaced),
    },
    absent: {
      off: drawn(layers.off),
      'no-signal': drawn(layers.noSignal),
      unexplained: drawn(layers.unexplained),
    },
    expectedFromMs: layers.expectedFrom === undefined ? undefined : at(layers.expectedFrom),
    asOfMs: layers.asOf === undefined ? undefined : at(layers.asOf),
    stopped: layers.stopped ?? false,
    frontierMs: at(layers.frontier ?? 1_000),
  };
}

const states = (layers: Drawn, length: number): string =>
  draw(statesOf(windowOf(' '.repeat(length)), facts(layers)));

describe(statesOf, () => {
  it('tells a tunnel: live, a hole that the vehicle holds, live again', () => {
    expect(states({ live: '####    ####', held: '############', expectedFrom: 0, asOf: 12 }, 12)).toBe(
      '####....####',
    );
  });

  it('follows the healing of a hole step by step', () => {
    const base = { live: '##      ##', held: '##########', expectedFrom: 0, asOf: 10 };
    expect(states({ ...base, requested: '  xxxxxx' }, 10)).toBe('##??????##');
    expect(states({ ...base, requested: '  xxxxxx', transferring: '     xxx' }, 10)).toBe('##???>>>##');
    expect(states({ ...base, requested: '  xxxxxx', fetched: '     xxx' }, 10)).toBe('##???===##');
    expect(states({ ...base, fetched: '  xxxxxx' }, 10)).toBe('##======##');
  });

  it('says of every stretch that nobody has why', () => {
    expect(
      states(
        {
          evicted: 'xx',
          corrupt: '  x',
          replaced: '   x',
          off: '    x',
          noSignal: '     x',
          expectedFrom: 0,
          asOf: 8,
        },
        8,
      ),
    ).toBe('xxcd_-!!');
  });

  it('knows nothing beyond the last word of the vehicle, and what it did know before its index was made anew', () => {
    expect(states({ held: '..', expectedFrom: 0, asOf: 2, frontier: 5 }, 7)).toBe('..uuu  ');
    expect(states({ formerly: 'xxx', held: 'x', expectedFrom: 0, asOf: 3, frontier: 3 }, 3)).toBe('.uu');
  });

  it('takes an orderly goodbye for what it was', () => {
    expect(states({ held: '..', expectedFrom: 0, asOf: 2, frontier: 5, stopped: true }, 6)).toBe('..___ ');
  });

  it('expects nothing before the first recording and nothing in the future', () => {
    expect(states({ expectedFrom: 2, asOf: 4, frontier: 4 }, 6)).toBe('  !!  ');
    expect(states({}, 3)).toBe('   ');
  });

  it('lets a request promise nothing of what nobody holds', () => {
    expect(states({ requested: 'xxxxxx', held: ' xx', evicted: '    x', expectedFrom: 0, asOf: 6 }, 6)).toBe(
      '!??!x!',
    );
  });

  it('counts what retention gave up as lost, wherever it still is, but never before what is here', () => {
    expect(
      states(
        {
          expired: 'xxxxxx',
          held: 'xxxxxx',
          requested: 'xxxxxx',
          live: '    x',
          received: '   x',
          expectedFrom: 0,
          asOf: 6,
        },
        6,
      ),
    ).toBe('xxx~#x');
  });

  it('prefers what is proven to what arrives, that to what moves, that to what is asked for, that to what is held', () => {
    const order = [
      'live',
      'fetched',
      'received',
      'expired',
      'transferring',
      'requested',
      'held',
      'formerly',
      'evicted',
      'corrupt',
      'replaced',
      'noSignal',
      'unexplained',
      'off',
    ] as const;
    const letters = '#=~x>?.uxcd-!_';
    for (let first = 0; first < order.length; first++) {
      const layers: Drawn = { expectedFrom: 0, asOf: 1, frontier: 1 };
      for (const layer of order.slice(first)) layers[layer] = 'x';
      // Alone, a request is for nothing that anybody has: below it the layer shows itself.
      expect(states(layers, 1), order[first]).toBe(letters[first]);
    }
  });

  const cell = fc.constantFrom('x', ' ');
  const row = fc.array(cell, { minLength: 12, maxLength: 12 }).map((some) => some.join(''));
  const layered: fc.Arbitrary<Drawn> = fc.record({
    live: row,
    fetched: row,
    received: row,
    expired: row,
    transferring: row,
    requested: row,
    held: row,
    formerly: row,
    evicted: row,
    corrupt: row,
    replaced: row,
    off: row,
    noSignal: row,
    unexplained: row,
    expectedFrom: fc.nat(12),
    asOf: fc.nat(12),
    frontier: fc.nat(14),
    stopped: fc.boolean(),
  });
  const window = windowOf(' '.repeat(12));

  it('gives every instant exactly one state, neighbours different ones, whatever the layers', () => {
    fc.assert(
      fc.property(layered, (layers) => {
        const runs = statesOf(window, facts(layers));
        expect(runs[0]!.startMs).toBe(window.startMs);
        expect(runs.at(-1)!.endMs).toBe(window.endMs);
        runs.slice(1).forEach((run, i) => {
          const before = runs[i]!;
          expect(run.startMs).toBe(before.endMs);
          expect([run.state, run.reason, run.source]).not.toEqual([
            before.state,
            before.reason,
            before.source,
          ]);
        });
        for (const { state, reason, source } of runs) {
          expect(source !== undefined).toBe(state === 'verified');
          expect(reason !== undefined).toBe(state === 'lost' || state === 'not-recorded');
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('never makes a gap larger by verifying, and closes it only there', () => {
    fc.assert(
      fc.property(layered, row, fc.boolean(), (layers, more, live) => {
        const gaps = (one: Drawn): RangeSet => RangeSet.from(gapsOf(statesOf(window, facts(one))));
        const layer = live ? 'live' : 'fetched';
        const before = gaps(layers);
        const known = facts(layers);
        const after = RangeSet.from(
          gapsOf(statesOf(window, { ...known, [layer]: known[layer].union(drawn(more)) })),
        );
        expect(after.equals(before.subtract(drawn(more)))).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it('says verified exactly where footage was proven', () => {
    fc.assert(
      fc.property(layered, (layers) => {
        const { live, fetched } = facts(layers);
        const verified = statesOf(window, facts(layers)).filter(({ state }) => state === 'verified');
        expect(RangeSet.from(verified).equals(live.union(fetched))).toBe(true);
      }),
    );
  });

  it('says the same of a part of a window as of the whole', () => {
    fc.assert(
      fc.property(layered, fc.nat(11), fc.nat(11), (layers, a, b) => {
        const part = { startMs: at(Math.min(a, b)), endMs: at(Math.max(a, b) + 1) };
        const whole = draw(statesOf(window, facts(layers)));
        expect(draw(statesOf(part, facts(layers))).padStart(Math.max(a, b) + 1)).toHaveLength(
          Math.max(a, b) + 1,
        );
        expect(
          statesOf(part, facts(layers))
            .map(({ startMs, endMs, ...standing }) => JSON.stringify([endMs - startMs, standing]))
            .join(),
        ).toBe(
          statesOf(window, facts(layers))
            .flatMap(({ startMs, endMs, ...standing }) => {
              const inside = { startMs: Math.max(startMs, part.startMs), endMs: Math.min(endMs, part.endMs) };
              return inside.startMs < inside.endMs
                ? [JSON.stringify([inside.endMs - inside.startMs, standing])]
                : [];
            })
            .join(),
        );
        expect(whole).toHaveLength(12);
      }),
    );
  });
});
