import { parseRunId } from '@gapless/shared/ids';
import { RangeSet } from '@gapless/shared/interval';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '@gapless/shared/time';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CentralKit, pass, until } from '../../../../test/support/central-kit.js';
import { at, cells, draw, windowOf } from '../../../../test/support/drawn-timeline.js';
import type { Lens, StoredObject } from '../store/index.js';
import { MediaUse } from '../store/index.js';
import { timelineOf } from '../timeline/index.js';
import type { RetentionBounds } from './retention-policy.js';
import { Retention } from './retention.js';

const STEPS = ['give-up:1-commit', 'give-up:2-remove', 'give-up:3-sync-directories', 'give-up:4-forget'];

/** Ends the work where a crash would, as far as one process can. */
class Crash extends Error {}

describe(Retention, () => {
  let kit: CentralKit;
  let lens: Lens;
  let use: MediaUse;
  let retention: Retention | undefined;
  beforeEach(async () => {
    kit = await CentralKit.create(at(20));
    lens = await kit.lens(await kit.enrol());
    use = new MediaUse();
    await kit.store.write((tables) => tables.lenses.expectFrom(lens.id, at(0)));
  });
  afterEach(async () => {
    await retention?.[Symbol.asyncDispose]();
    retention = undefined;
    await kit[Symbol.asyncDispose]();
  });

  const begin = (
    bounds: Partial<RetentionBounds>,
    step: (name: string) => void = () => undefined,
  ): Retention => {
    const { store, assemblies, layout, disk, clock, log } = kit;
    const whole = { maxAgeMs: undefined, maxBytes: undefined, ...bounds };
    return (retention = new Retention({
      store,
      assemblies,
      layout,
      disk,
      clock,
      log,
      step,
      use,
      bounds: whole,
    }));
  };
  /** Objects of five seconds each, 100 bytes each, one behind the other. */
  const keep = async (count: number): Promise<StoredObject[]> => {
    const kept: StoredObject[] = [];
    for (let i = 0; i < count; i++)
      kept.push(await kit.keepHollow(lens, { startMs: at(i * 5), endMs: at((i + 1) * 5) }));
    return kept;
  };
  const drawn = (): string =>
    draw(timelineOf(kit.store.read, kit.fresh(lens), windowOf(' '.repeat(20)), kit.clock.nowMs()));
  const isThere = async (object: StoredObject): Promise<boolean> =>
    (await kit.disk.sizeBytes(kit.layout.media(object.path!))) !== undefined;
  const clean = async (): Promise<void> => expect((await kit.check()).findings).toEqual([]);

  it('keeps everything without a bound', async () => {
    await keep(4);
    const keeper = begin({});
    await keeper.start();
    await pass(kit.clock, 400 * DAY_MS, 100 * DAY_MS);
    expect(drawn()).toBe('#'.repeat(20));
  });

  it('gives up what is older than its bound, on time and to the file', async () => {
    const kept = await keep(4);
    const keeper = begin({ maxAgeMs: HOUR_MS });
    await keeper.start();
    await keeper.pass();
    expect(drawn()).toBe('#'.repeat(20));
    await kit.clock.advance(HOUR_MS - 10_000);
    await keeper.pass();
    expect(drawn()).toBe('xxxxxxxxxx##########');
    for (const [i, object] of kept.entries()) expect(await isThere(object)).toBe(i >= 2);
    expect(kit.fresh(lens).storedBytes).toBe(200);
    await clean();
  });

  it('gives up the oldest as soon as there is no space for a new one', async () => {
    await keep(4);
    const keeper = begin({ maxBytes: 250 });
    await keeper.pass();
    expect(drawn()).toBe('xxxxxxxxxx##########');
    await kit.keepHollow(lens, { startMs: at(20), endMs: at(25) });
    keeper.wake();
    await until('space', () => kit.store.read.lenses.storedBytes() <= 250);
    await keeper.pass();
    expect(drawn()).toBe('x'.repeat(15) + '#'.repeat(5));
    await clean();
  });

  it('leaves alone what is being played, takes what lies behind it, and takes it once it is free', async () => {
    const [oldest] = await keep(4);
    const keeper = begin({ maxBytes: 250 });
    {
      using _playing = use.hold([oldest!.id]);
      await keeper.pass();
      expect(drawn()).toBe('#####xxxxxxxxxx#####');
      expect(await isThere(oldest!)).toBe(true);
    }
    await kit.keepHollow(lens, { startMs: at(20), endMs: at(25) });
    await keeper.pass();
    expect(await isThere(oldest!)).toBe(false);
    await clean();
  });

  it('counts the age of footage of a clock that stood in 1970 from when it came', async () => {
    const old = await kit.keepHollow(lens, { startMs: 5_000, endMs: 10_000 });
    const keeper = begin({ maxAgeMs: HOUR_MS });
    await keeper.pass();
    expect(await isThere(old)).toBe(true);
    await kit.clock.advance(HOUR_MS + 1);
    await keeper.pass();
    expect(await isThere(old)).toBe(false);
  });

  it('does not take footage away that another object shows as well', async () => {
    await kit.keepHollow(lens, { startMs: at(0), endMs: at(10) });
    await kit.keepHollow(lens, { startMs: at(5), endMs: at(15) });
    const keeper = begin({ maxBytes: 150 });
    await keeper.pass();
    expect(drawn()).toBe('xxxxx##########_____');
    await clean();
  });

  it('never asks again for what it gave up, nor for what it would give up at once', async () => {
    await keep(4);
    const keeper = begin({ maxAgeMs: HOUR_MS, maxBytes: 250 });
    await keeper.pass();
    const window = { startMs: at(-7_200), endMs: at(20) };
    const notKept = keeper.notKept(lens.id, window);
    expect(notKept.covers({ startMs: at(0), endMs: at(10) })).toBe(true);
    expect(notKept.covers({ startMs: at(-7_200), endMs: at(-3_580) })).toBe(true);
    expect(notKept.overlaps(RangeSet.of({ startMs: at(10), endMs: at(20) }))).toBe(false);
  });

  it('gives up what was begun and never finished by its age, unless something is on its way', async () => {
    const run = parseRunId('20260101T000000000Z-3fa9c1');
    const begun = await kit.store.write((tables) => {
      const { id: runId } = tables.lenses.ensureRun(lens.id, run);
      const id = tables.objects.ensure({ lensId: lens.id, runId, seq: 0, startMs: at(0), endMs: at(5) });
      return tables.objects.byId(id)!;
    });
    await kit.assemblies.of(lens.vehicle, begun).write(new Uint8Array(50), 0);
    await kit.store.write((tables) => tables.pieces.add(begun.id, { source: 'live', from: 0, to: 50 }));
    await kit.cover(lens, 'received', [{ startMs: at(0), endMs: at(5) }]);
    const keeper = begin({ maxAgeMs: HOUR_MS });
    await kit.clock.advance(HOUR_MS);
    await keeper.pass();
    expect(kit.store.read.objects.byId(begun.id)).toBeUndefined();
    expect(await kit.disk.sizeBytes(kit.layout.assembly(lens.vehicle, lens.name, begun))).toBeUndefined();
    expect(kit.layer(lens, 'received').isEmpty).toBe(true);
    await clean();
  });

  it.each(STEPS)(
    'goes on after a crash at %s: nothing is named that is gone, nothing stays that nobody names',
    async (at) => {
      await keep(4);
      let crashed = false;
      const first = begin({ maxBytes: 250 }, (name) => {
        if (name !== at) return;
        crashed = true;
        throw new Crash(name);
      });
      await first.pass();
      expect(crashed).toBe(true);
      await clean();
      await kit.restart();
      await clean();
      const second = begin({ maxBytes: 250 });
      await second.start();
      await second.pass();
      expect(kit.store.read.removals.next(10)).toEqual([]);
      expect(drawn()).toBe('xxxxxxxxxx##########');
      expect((await kit.check()).checked.files).toBe(2);
      await clean();
    },
  );

  it('looks by itself every minute', async () => {
    await keep(4);
    const keeper = begin({ maxAgeMs: HOUR_MS });
    await keeper.start();
    await pass(kit.clock, HOUR_MS + MINUTE_MS, MINUTE_MS);
    await until('giving up', () => kit.store.read.objects.after(0, 1).length === 0);
    await keeper.pass();
    expect(cells(drawn(), 'x').totalMs).toBe(20_000);
  });
});
