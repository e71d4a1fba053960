import type { LensName } from '@gapless/shared/ids';
import { parseLensName } from '@gapless/shared/ids';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '@gapless/shared/time';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ForecastFacts } from './forecast-policy.js';
import { forecast, recordingRate } from './forecast-policy.js';

const front = parseLensName('front');
const rear = parseLensName('rear');
const NOW = Date.UTC(2026, 7, 22, 16);

const oldest = { endMs: NOW - HOUR_MS, clockTrusted: true };
const facts: ForecastFacts = {
  nowMs: NOW,
  limits: { maxAgeMs: undefined, whenFull: 'evict-oldest' },
  slackBytes: 1_000,
  spareBytes: 500,
  lenses: [
    { lens: front, rateBytesPerSec: 10, oldest, olderBytes: 0 },
    { lens: rear, rateBytesPerSec: 5, oldest, olderBytes: 300 },
  ],
};

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
    const [first, second] = facts.lenses;
    expect(seconds(forecast({ ...facts, lenses: [{ ...first!, oldest: undefined }, second!] }))).toEqual({
      rear: 120,
    });
  });

  it('knows that a vehicle that stops recording loses nothing for want of space, but for its age', () => {
    const limits = { maxAgeMs: undefined, whenFull: 'stop-recording' as const };
    expect(forecast({ ...facts, limits }).size).toBe(0);
    const aged = { ...limits, maxAgeMs: 2 * HOUR_MS };
    expect(seconds(forecast({ ...facts, limits: aged }))).toEqual({ front: 3_600, rear: 3_600 });
    const untrusted = { ...oldest, clockTrusted: false };
    const lenses = facts.lenses.map((lens) => ({ ...lens, oldest: untrusted }));
    expect(forecast({ ...facts, lenses, limits: aged }).size).toBe(0);
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
}

const LENGTH_MS = 10 * SECOND_MS;
const HORIZON_S = 4_000;

/** Records second by second and evicts as retention does; when each lens first loses what central does not have. */
function simulate({ segments, slackBytes, rates, maxAgeMs }: Disk): Record<string, number> {
  let held = [...segments];
  let free = slackBytes;
  const lost: Record<string, number> = {};
  const evict = (segment: Segment, second: number): void => {
    held = held.filter((one) => one !== segment);
    free += segment.bytes;
    if (!segment.receipted) lost[segment.lens] ??= second;
  };
  for (let second = 0; second < HORIZON_S; second++) {
    for (const segment of held)
      if (
        !segment.isProtected &&
        maxAgeMs !== undefined &&
        segment.startMs + LENGTH_MS + maxAgeMs <= NOW + second * SECOND_MS
      )
        evict(segment, second);
    while (free < 0) {
      const order = held
        .filter(({ isProtected }) => !isProtected)
        .sort((a, b) => Number(b.receipted) - Number(a.receipted) || a.startMs - b.startMs);
      if (!order[0]) break;
      evict(order[0], second);
    }
    for (const [lens, rate] of rates) {
      free -= rate;
      const startMs = NOW + second * SECOND_MS;
      if (rate > 0) held.push({ lens, startMs, bytes: rate, receipted: false, isProtected: false });
    }
  }
  return lost;
}

function factsOf({ segments, slackBytes, rates, maxAgeMs }: Disk): ForecastFacts {
  const evictable = segments.filter(({ isProtected }) => !isProtected);
  const risk = evictable.filter(({ receipted }) => !receipted).sort((a, b) => a.startMs - b.startMs);
  const sum = (some: readonly Segment[]): number => some.reduce((total, { bytes }) => total + bytes, 0);
  return {
    ...{ nowMs: NOW, limits: { maxAgeMs, whenFull: 'evict-oldest' }, slackBytes },
    spareBytes: sum(evictable.filter(({ receipted }) => receipted)),
    lenses: [front, rear].map((lens) => {
      const first = risk.find((one) => one.lens === lens);
      return {
        ...{ lens, rateBytesPerSec: rates.get(lens)! },
        oldest: first && { endMs: first.startMs + LENGTH_MS, clockTrusted: true },
        olderBytes: first ? sum(risk.filter(({ startMs }) => startMs < first.startMs)) : 0,
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
  });

  it('agree to the second', () => {
    fc.assert(
      fc.property(disk, (drawn) => {
        const foreseen = seconds(forecast(factsOf({ ...drawn, maxAgeMs: undefined })));
        const happened = simulate({ ...drawn, maxAgeMs: undefined });
        for (const [lens, second] of Object.entries(foreseen))
          expect(Math.abs(happened[lens]! - second)).toBeLessThanOrEqual(1);
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
