import { createHash } from 'node:crypto';
import { parseRunId } from '@gapless/shared/ids';
import type { Change } from '@gapless/shared/protocol';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CentralKit } from '../../../../test/support/central-kit.js';
import { at, cells, draw } from '../../../../test/support/drawn-timeline.js';
import type { Lens, Vehicle } from '../store/index.js';
import { coverageLayers } from '../store/index.js';
import { applyChanges, beginNewEpoch, settleEpoch } from './apply-changes.js';
import { timelineOf } from './timeline.js';

const RUN = parseRunId('20260101T000000000Z-3fa9c1');
const EPOCH = '7e57ab1e-0000-4000-8000-000000000001';

const sha256Of = (seq: number): string => createHash('sha256').update(String(seq)).digest('hex');

/** Segment `seq` lasts from cell `from` to cell `to`. */
function segment(seq: number, from: number, to: number, holes?: [number, number][]): Change {
  const row = {
    lens: 'front',
    run: RUN,
    seq,
    startMs: at(from),
    endMs: at(to),
    sizeBytes: 1_000,
    sha256: sha256Of(seq),
    firstFragment: 1,
    fragments: to - from,
    ...(holes ? { holes: holes.map(([a, b]) => ({ startMs: at(a), endMs: at(b) })) } : {}),
  };
  return { kind: 'segment', seq: 1, row } as Change;
}

function tombstone(seq: number, from: number, to: number, reason: 'evicted' | 'corrupt' = 'evicted'): Change {
  const row = {
    lens: 'front',
    run: RUN,
    seq,
    startMs: at(from),
    endMs: at(to),
    sizeBytes: 1_000,
    sha256: sha256Of(seq),
    deletedMs: at(to),
    reason,
  };
  return { kind: 'tombstone', seq: 1, row } as Change;
}

function absence(from: number, to: number, reason: 'off' | 'no-signal' | 'unexplained'): Change {
  return {
    kind: 'absence',
    seq: 1,
    row: { lens: 'front', startMs: at(from), endMs: at(to), reason },
  } as Change;
}

describe(applyChanges, () => {
  let kit: CentralKit;
  let vehicle: Vehicle;
  let lens: Lens;
  beforeEach(async () => {
    kit = await CentralKit.create(at(100));
    vehicle = await kit.enrol();
    lens = await kit.lens(vehicle);
  });
  afterEach(() => kit[Symbol.asyncDispose]());

  const apply = (...changes: Change[]) =>
    kit.store.write((tables) => applyChanges(tables, vehicle.id, changes));
  const heard = (asOf: number) =>
    kit.store.write((tables) => {
      tables.lenses.setStatus(lens.id, {
        state: 'recording',
        detail: undefined,
        open: undefined,
        asOfMs: at(asOf),
      });
      tables.vehicles.seen(vehicle.id, kit.clock.nowMs(), { usedBytes: 0, freeBytes: 0 });
    });
  const show = (length: number): string =>
    draw(
      timelineOf(kit.store.read, kit.fresh(lens), { startMs: at(0), endMs: at(length) }, kit.clock.nowMs()),
    );
  const layers = (): Record<string, unknown> =>
    Object.fromEntries(coverageLayers.map((layer) => [layer, kit.layer(lens, layer).ranges]));

  it('shows what the vehicle holds, held, lost and never had', async () => {
    await apply(
      segment(0, 0, 4),
      segment(1, 4, 8, [[5, 6]]),
      absence(8, 10, 'off'),
      segment(2, 10, 12),
      tombstone(0, 0, 4),
    );
    await heard(12);
    expect(show(12)).toBe('xxxx.-..__..');
  });

  it('takes a longer and better explained absence for the one before', async () => {
    await apply(absence(0, 3, 'unexplained'));
    await apply(absence(0, 6, 'no-signal'));
    await heard(6);
    expect(show(6)).toBe('------');
  });

  it('takes back a loss when the vehicle holds the segment after all', async () => {
    await apply(tombstone(0, 0, 4, 'corrupt'));
    await apply(segment(0, 0, 4));
    await heard(4);
    expect(show(4)).toBe('....');
  });

  it('puts in doubt what was held when the index is made anew, and loses what is not told again', async () => {
    await apply(segment(0, 0, 4), segment(1, 4, 8));
    await heard(8);
    await kit.store.write((tables) => beginNewEpoch(tables, vehicle.id, EPOCH));
    expect(kit.store.read.vehicles.byId(vehicle.id)).toMatchObject({
      catalogueEpoch: EPOCH,
      catalogueSeq: 0,
    });
    expect(show(8)).toBe('uuuuuuuu');
    await apply(segment(1, 4, 8));
    expect(show(8)).toBe('uuuu....');
    await kit.store.write((tables) => settleEpoch(tables, vehicle.id));
    expect(show(8)).toBe('dddd....');
    // A box whose index is made anew twice loses nothing twice.
    await kit.store.write((tables) => settleEpoch(tables, vehicle.id));
    expect(show(8)).toBe('dddd....');
  });

  it('keeps what is proven through everything that the vehicle says', async () => {
    await kit.cover(lens, 'live', cells('  ##'));
    await apply(segment(0, 0, 4), tombstone(0, 0, 4), absence(0, 4, 'off'));
    await kit.store.write((tables) => beginNewEpoch(tables, vehicle.id, EPOCH));
    await kit.store.write((tables) => settleEpoch(tables, vehicle.id));
    await heard(4);
    expect(show(4)).toBe('xx##');
  });

  it('proves from a tombstone what came whole before the segment was told of', async () => {
    const object = await kit.store.write((tables) => {
      const run = tables.lenses.ensureRun(lens.id, RUN);
      const id = tables.objects.ensure({
        lensId: lens.id,
        runId: run.id,
        seq: 0,
        startMs: at(0),
        endMs: at(4),
      });
      tables.pieces.add(id, { source: 'live', from: 0, to: 1_000 });
      tables.coverage.add(lens.id, 'received', cells('####'));
      return id;
    });
    const closed = await apply(tombstone(0, 0, 4));
    expect(closed.map(({ objectId }) => objectId)).toEqual([object]);
    expect(kit.store.read.objects.byId(object)?.expected).toEqual({ sizeBytes: 1_000, sha256: sha256Of(0) });
    expect(show(4)).toBe('~~~~');
  });

  it('promises nothing of what came in part and is gone at the vehicle', async () => {
    await kit.store.write((tables) => {
      const run = tables.lenses.ensureRun(lens.id, RUN);
      const id = tables.objects.ensure({
        lensId: lens.id,
        runId: run.id,
        seq: 0,
        startMs: at(0),
        endMs: at(4),
      });
      tables.pieces.add(id, { source: 'live', from: 0, to: 500 });
      tables.coverage.add(lens.id, 'received', cells('##'));
    });
    expect(await apply(tombstone(0, 0, 4))).toEqual([]);
    await heard(4);
    expect(show(4)).toBe('xxxx');
  });

  it('gives a receipt again to a vehicle that does not know any more that it has one', async () => {
    const object = await kit.keepHollow(lens, { startMs: at(0), endMs: at(4) }, { run: RUN });
    await kit.store.write((tables) => tables.objects.acknowledgeReceipts(vehicle.id, 99));
    expect(kit.store.read.objects.receipts(vehicle.id, 0, 10)).toEqual([]);
    const { row } = segment(0, 0, 4) as Extract<Change, { kind: 'segment' }>;
    await apply({ kind: 'segment', seq: 1, row: { ...row, ...object.expected! } });
    expect(kit.store.read.objects.receipts(vehicle.id, 0, 10).map((one) => one.object.id)).toEqual([
      object.id,
    ]);
  });

  it('believes its own measure of a file before the vehicle’s', async () => {
    const object = await kit.keepHollow(
      lens,
      { startMs: at(0), endMs: at(4) },
      { run: RUN, holes: cells(' #  ') },
    );
    const { row } = segment(0, 0, 4) as Extract<Change, { kind: 'segment' }>;
    await apply({ kind: 'segment', seq: 1, row: { ...row, ...object.expected! } });
    await heard(4);
    expect(show(4)).toBe('#-##');
  });

  /** A vehicle's story: segments and absences in a row, some segments evicted or found corrupt later. */
  const story = fc
    .array(
      fc.record({
        kind: fc.constantFrom('segment', 'segment', 'absence'),
        length: fc.integer({ min: 1, max: 4 }),
        end: fc.constantFrom('kept', 'kept', 'evicted', 'corrupt'),
        hole: fc.boolean(),
        growth: fc.nat(2),
        reason: fc.constantFrom('off', 'no-signal', 'unexplained'),
      }),
      { minLength: 1, maxLength: 8 },
    )
    .map((parts) => {
      const told: { key: string; change: Change }[] = [];
      const later: { key: string; change: Change }[] = [];
      let cell = 0;
      parts.forEach(({ kind, length, end, hole, growth, reason }, i) => {
        const from = cell;
        const to = (cell += length);
        if (kind === 'absence') {
          for (let grown = Math.max(from + 1, to - growth); grown <= to; grown++)
            told.push({ key: `absence ${from}`, change: absence(from, grown, reason) });
          return;
        }
        const holes: [number, number][] = hole && length > 1 ? [[from + 1, from + 2]] : [];
        told.push({ key: `segment ${i}`, change: segment(i, from, to, holes) });
        if (end !== 'kept') later.push({ key: `segment ${i}`, change: tombstone(i, from, to, end) });
      });
      return [...told, ...later];
    });

  it('ends in the same state in any chunking, told twice, and with superseded changes left out', async () => {
    await fc.assert(
      fc.asyncProperty(
        story,
        fc.array(fc.nat(5), { maxLength: 4 }),
        fc.nat(20),
        async (told, cuts, again) => {
          const clear = () =>
            kit.store.write((tables) => {
              for (const layer of coverageLayers) tables.coverage.clear(lens.id, layer);
            });
          const all = told.map(({ change }) => change);
          await clear();
          await apply(...all);
          const once = layers();

          await clear();
          const rest = [...all];
          for (const cut of cuts) await apply(...rest.splice(0, cut));
          await apply(...rest);
          expect(layers(), 'in chunks').toEqual(once);

          // A session that broke off before the acknowledgement is told some of it again.
          await apply(...all.slice(Math.min(again, all.length)));
          expect(layers(), 'told again in part').toEqual(once);
          await apply(...all);
          expect(layers(), 'told again').toEqual(once);

          await clear();
          await apply(
            ...told
              .filter(({ key }, i) => told.findLastIndex((one) => one.key === key) === i)
              .map(({ change }) => change),
          );
          const shown = { ...layers() };
          expect(shown, 'without what was superseded').toEqual(once);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('keeps its layers normal and held apart from lost', async () => {
    await fc.assert(
      fc.asyncProperty(story, async (told) => {
        await apply(...told.map(({ change }) => change));
        const held = kit.layer(lens, 'held');
        for (const layer of [
          'lost:evicted',
          'lost:corrupt',
          'lost:device-replaced',
          'formerly-held',
        ] as const)
          expect(held.overlaps(kit.layer(lens, layer))).toBe(false);
      }),
      { numRuns: 30 },
    );
  });
});
