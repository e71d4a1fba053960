import type { LensName } from '@gapless/shared/ids';
import { parseLensName } from '@gapless/shared/ids';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '@gapless/shared/time';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ForecastFacts, LensForecastFacts } from './forecast-policy.js';
import { forecast, recordingRate } from './forecast-policy.js';

const front = parseLensName('front');
const rear = parseLensName('rear');
const NOW = Date.UTC(2026, 7, 22, 16);

const oldest = { endMs: NOW - HOUR_MS, clockTrusted: true };
const none = new Map<LensName, number>();
const facts: ForecastFacts = {
  nowMs: NOW,
  whenFull: 'evict-oldest',
  slackBytes: 1_000,
  lenses: [
    {
      ...{ lens: front, rateBytesPerSec: 10, spareBytes: 200, slackBytes: undefined, maxAgeMs: undefined },
      ...{ oldest, olderBytes: none },
    },
    {
      ...{ lens: rear, rateBytesPerSec: 5, spareBytes: 300, slackBytes: undefined, maxAgeMs: undefined },
      ...{ oldest, olderBytes: new Map([[front, 300]]) },
    },
  ],
};

/** The same, where something is different for the lens front. */
const withFront = (different: Partial<LensForecastFacts>): ForecastFacts => ({
  ...facts,
  lenses: [{ ...facts.lenses[0]!, ...different }, facts.lenses[1]!],
});

const seconds = (etas: ReadonlyMap<LensName, number>): Record<string, number> =>
  Object.fromEntries([...etas].map(([lens, etaMs]) => [lens, (etaMs - NOW) / SECOND_MS]));

describe('forecast', () => {
  it('is when what is left, and what may go without loss, is used up at the rate of all lenses', () => {
    expect(seconds(forecast(facts))).toEqual({ front: 100, rear: 120 });
  });

  it('is now when the limits are exceeded already', () => {
    expect(seconds(forecast({ ...facts, slackBytes: -2_000 }))).toEqual({ front: 0, rear: 0 });
  });

  it('is sooner when it is recorded faster, and there is none when nothing is', () => {
    const at = (rateBytesPerSec: number): ForecastFacts => ({
      ...facts,
      lenses: facts.lenses.map((lens) => ({ ...lens, rateBytesPerSec })),
    });
    expect(seconds(forecast(at(50)))).toEqual({ front: 15, rear: 18 });
    expect(forecast(at(0)).size).toBe(0);
  });

  it('leaves out a lens of which central has everything', () => {
    expect(seconds(forecast(withFront({ oldest: undefined })))).toEqual({ rear: 120 });
  });

  it('is sooner for a lens that is nearer to its own limit, and later for the others, which it relieves', () => {
    // The front writes 500 bytes in 50 s, then over its own; the rear has 1,000 + 500 + 300 bytes until its turn.
    expect(seconds(forecast(withFront({ slackBytes: 300 })))).toEqual({ front: 50, rear: (1_800 - 800) / 5 });
    expect(seconds(forecast(withFront({ slackBytes: -600 })))).toEqual({ front: 0, rear: (1_800 + 100) / 5 });
  });

  it('is none where the lenses stay within limits of their own', () => {
    const capped = { ...facts.lenses[1]!, slackBytes: 100, oldest: undefined };
    expect(seconds(forecast({ ...facts, lenses: [{ ...capped, lens: front, oldest }, capped] }))).toEqual({
      front: 80,
    });
    expect(forecast({ ...facts, lenses: [{ ...facts.lenses[0]!, rateBytesPerSec: 0 }, capped] }).size).toBe(
      0,
    );
  });

  it('knows that a vehicle that stops recording loses nothing for want of space, but for its age', () => {
    const at = (different: Partial<LensForecastFacts>): ForecastFacts => ({
      ...facts,
      whenFull: 'stop-recording',
      lenses: facts.lenses.map((lens) => ({ ...lens, ...different })),
    });
    expect(forecast(at({})).size).toBe(0);
    const maxAgeMs = 2 * HOUR_MS;
    expect(seconds(forecast(at({ maxAgeMs })))).toEqual({ front: 3_600, rear: 3_600 });
    expect(forecast(at({ maxAgeMs, oldest: { ...oldest, clockTrusted: false } })).size).toBe(0);
    expect(seconds(forecast({ ...withFront({ maxAgeMs }), whenFull: 'stop-recording' }))).toEqual({
      front: 3_600,
    });
  });

  it('says nothing of what lies a decade ahead', () => {
    expect(forecast({ ...facts, slackBytes: 15 * 3_651 * 86_400 }).size).toBe(0);
  });
});

interface Segment {
  readonly lens: LensName;
  readonly startMs: number;
  readonly bytes: number;
  readonly receipted: boolean;
  readonly isProtected: boolean;
}

interface Disk {
  readonly segments: readonly Segment[];
  readonly slackBytes: number;
  readonly rates: ReadonlyMap<LensName, number>;
  readonly maxAgeMs: number | undefined;
  /** What each lens may take, protected footage aside; infinite for no limit. */
  readonly maxBytes: ReadonlyMap<LensName, number>;
}

const LENGTH_MS = 10 * SECOND_MS;
const HORIZON_S = 1_500;

/** Records second by second and evicts as retention does; when each lens first loses what central does not have. */
function simulate({ segments, slackBytes, rates, maxAgeMs, maxBytes }: Disk): Record<string, number> {
  let held = [...segments];
  let free = slackBytes;
  const lost: Record<string, number> = {};
  /** As if footage could go byte by byte, which is what the forecast calculates with. */
  const evict = (segment: Segment, second: number, bytes = segment.bytes): void => {
    const left = { ...segment, bytes: segment.bytes - bytes };
    held = held.flatMap((one) => (one !== segment ? one : left.bytes > 0 ? left : []));
    free += bytes;
    if (!segment.receipted) lost[segment.lens] ??= second;
  };
  for (let second = 0; second < HORIZON_S && Object.keys(lost).length < rates.size; second++) {
    for (const segment of held)
      if (
        !segment.isProtected &&
        maxAgeMs !== undefined &&
        segment.startMs + LENGTH_MS + maxAgeMs <= NOW + second * SECOND_MS
      )
        evict(segment, second);
    const next = (mayGo: (segment: Segment) => boolean): Segment | undefined => {
      const evictable = held.filter((one) => !one.isProtected && mayGo(one));
      return evictable.find(({ receipted }) => receipted) ?? evictable[0];
    };
    for (const [lens, limit] of maxBytes) {
      const isOfLens = (one: Segment): boolean => one.lens === lens;
      let excess = sum(held.filter((one) => isOfLens(one) && !one.isProtected)) - limit;
      for (let one = next(isOfLens); excess > 0 && one; one = next(isOfLens)) {
        const bytes = Math.min(excess, one.bytes);
        evict(one, second, bytes);
        excess -= bytes;
      }
    }
    for (let one = next(() => true); free < 0 && one; one = next(() => true))
      evict(one, second, Math.min(-free, one.bytes));
    for (const [lens, rate] of rates) {
      free -= rate;
      const startMs = NOW + second * SECOND_MS;
      if (rate > 0) held.push({ lens, startMs, bytes: rate, receipted: false, isProtected: false });
    }
  }
  return lost;
}

const sum = (some: readonly Segment[]): number => some.reduce((total, { bytes }) => total + bytes, 0);

function factsOf({ segments, slackBytes, rates, maxAgeMs, maxBytes }: Disk): ForecastFacts {
  const evictable = segments.filter(({ isProtected }) => !isProtected);
  const risk = evictable.filter(({ receipted }) => !receipted).sort((a, b) => a.startMs - b.startMs);
  return {
    ...{ nowMs: NOW, whenFull: 'evict-oldest', slackBytes },
    lenses: [front, rear].map((lens) => {
      const ofLens = evictable.filter((one) => one.lens === lens);
      const first = risk.find((one) => one.lens === lens);
      const older = risk.filter(({ startMs }) => first && startMs < first.startMs);
      const limit = maxBytes.get(lens);
      return {
        ...{ lens, rateBytesPerSec: rates.get(lens)!, maxAgeMs },
        spareBytes: sum(ofLens.filter(({ receipted }) => receipted)),
        slackBytes: limit === undefined ? undefined : limit - sum(ofLens),
        oldest: first && { endMs: first.startMs + LENGTH_MS, clockTrusted: true },
        olderBytes: new Map(
          [front, rear].map((one) => [one, sum(older.filter((some) => some.lens === one))]),
        ),
      };
    }),
  };
}

describe('the forecast and what then happens', () => {
  const segment = fc.record({
    lens: fc.constantFrom(front, rear),
    bytes: fc.integer({ min: 1, max: 60 }),
    receipted: fc.boolean(),
    isProtected: fc.boolean(),
  });
  const disk = fc.record({
    segments: fc
      .array(segment, { maxLength: 10 })
      .map((some) => some.map((one, at) => ({ ...one, startMs: NOW - (some.length - at) * MINUTE_MS }))),
    slackBytes: fc.integer({ min: -20, max: 200 }),
    rates: fc.tuple(fc.integer({ min: 1, max: 5 }), fc.nat(3)).map(
      ([a, b]) =>
        new Map([
          [front, a],
          [rear, b],
        ]),
    ),
    maxBytes: fc
      .record({
        front: fc.option(fc.integer({ min: 60, max: 400 })),
        rear: fc.option(fc.integer({ min: 60, max: 400 })),
      })
      .map(
        (limits) =>
          new Map(
            [front, rear].flatMap((lens) =>
              limits[lens as 'front'] === null ? [] : [[lens, limits[lens as 'front']!] as const],
            ),
          ),
      ),
  });

  it('agree to two seconds', () => {
    fc.assert(
      fc.property(disk, (drawn) => {
        const foreseen = seconds(forecast(factsOf({ ...drawn, maxAgeMs: undefined })));
        const happened = simulate({ ...drawn, maxAgeMs: undefined });
        for (const [lens, second] of Object.entries(foreseen))
          // What the lenses write in a second is looked at at once.
          expect(Math.abs(happened[lens]! - second)).toBeLessThanOrEqual(2);
      }),
      { numRuns: 60 },
    );
  });

  it('never have footage lost before the time foreseen, where old footage goes as well', () => {
    fc.assert(
      fc.property(disk, fc.integer({ min: 0, max: 20 }), (drawn, minutes) => {
        const aged = { ...drawn, maxAgeMs: minutes * MINUTE_MS };
        const foreseen = seconds(forecast(factsOf(aged)));
        const happened = simulate(aged);
        for (const [lens, second] of Object.entries(foreseen))
          expect(happened[lens]! + 1).toBeGreaterThanOrEqual(second);
      }),
      { numRuns: 60 },
    );
  });
});

describe('recordingRate', () => {
  it('counts from the first of what was recorded of late, and from ten seconds at least', () => {
    expect(recordingRate({ bytes: 3_600, firstMs: NOW - HOUR_MS }, NOW)).toBe(1);
    expect(recordingRate({ bytes: 3_600, firstMs: NOW - MINUTE_MS }, NOW)).toBe(60);
    expect(recordingRate({ bytes: 3_600, firstMs: NOW - 1 }, NOW)).toBe(360);
    expect(recordingRate(undefined, NOW)).toBe(0);
    expect(recordingRate({ bytes: 3_600, firstMs: NOW + DAY_MS }, NOW)).toBe(360);
  });
});
