import { parseLensName, parseRunId } from '@gapless/shared/ids';
import { RangeSet } from '@gapless/shared/interval';
import type { Change, TombstoneReason } from '@gapless/shared/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CentralKit } from '../../../../test/support/central-kit.js';
import { at } from '../../../../test/support/drawn-timeline.js';
import type { CoverageLayer, Lens, Vehicle } from '../store/index.js';
import { applyChanges } from './apply-changes.js';
import type { Loss } from './losses.js';
import { lossesOf } from './losses.js';
import { timelineOf } from './timeline.js';

const front = parseLensName('front');
const RUN = parseRunId('20260101T000000000Z-3fa9c1');

function tombstone(seq: number, from: number, to: number, reason: TombstoneReason = 'evicted'): Change {
  return {
    kind: 'tombstone',
    seq: 1,
    row: {
      ...{ lens: front, run: RUN, seq, startMs: at(from), endMs: at(to), sizeBytes: 1_000 },
      ...{ sha256: 'a'.repeat(64), deletedMs: at(to), reason },
    },
  };
}

describe(lossesOf, () => {
  let kit: CentralKit;
  let vehicle: Vehicle;
  let lens: Lens;
  beforeEach(async () => {
    kit = await CentralKit.create(at(100));
    vehicle = await kit.enrol();
    lens = await kit.lens(vehicle);
  });
  afterEach(() => kit[Symbol.asyncDispose]());

  const cover = (layer: CoverageLayer, from: number, to: number) =>
    kit.store.write((tables) => tables.coverage.add(lens.id, layer, [{ startMs: at(from), endMs: at(to) }]));
  /** Tells and applies changes; returns what is lost, as cells. */
  const lose = async (...changes: Change[]): Promise<string[]> => {
    const losses = await kit.store.write((tables): Loss[] => {
      const lost = lossesOf(tables, vehicle.id, changes);
      applyChanges(tables, vehicle.id, changes);
      return lost;
    });
    return losses.map(({ reason, ranges }) => {
      const cells = [...ranges].map(({ startMs, endMs }) =>
        [startMs, endMs].map((ms) => (ms - at(0)) / (at(1) - at(0))),
      );
      return `${reason} ${cells.map((pair) => pair.join('-')).join(',')}`;
    });
  };

  it('are what was evicted and not verified here, once', async () => {
    await cover('fetched', 0, 2);
    await cover('live', 5, 8);
    expect(await lose(tombstone(0, 0, 4), tombstone(1, 4, 8))).toEqual(['evicted 2-5']);
    expect(await lose(tombstone(0, 0, 4), tombstone(1, 4, 8))).toEqual([]);
    const window = { startMs: at(2), endMs: at(5) };
    expect(timelineOf(kit.store.read, kit.fresh(lens), window, kit.clock.nowMs())).toEqual([
      { ...window, state: 'lost', reason: 'evicted' },
    ]);
  });

  it('are told apart by their reasons', async () => {
    expect(
      await lose(tombstone(0, 0, 4), tombstone(1, 4, 6, 'removed'), tombstone(2, 6, 8, 'corrupt')),
    ).toEqual(['evicted 0-4', 'removed 4-6', 'corrupt 6-8']);
  });

  it('are not what central had and gave up by its own retention', async () => {
    await cover('expired', 0, 4);
    expect(await lose(tombstone(0, 0, 4))).toEqual([]);
  });

  it('are not what is here in full and about to be proven', async () => {
    await kit.store.write((tables) => {
      const run = tables.lenses.ensureRun(lens.id, RUN);
      const extent = { startMs: at(0), endMs: at(4) };
      const id = tables.objects.ensure({ lensId: lens.id, runId: run.id, seq: 0, ...extent });
      tables.pieces.add(id, { source: 'live', from: 0, to: 1_000 });
    });
    expect(await lose(tombstone(0, 0, 4))).toEqual([]);
  });

  it('are of a lens, too, that is not known yet', async () => {
    const change = tombstone(0, 0, 4);
    const rear = { ...change, row: { ...change.row, lens: parseLensName('rear') } } as Change;
    const [loss] = await kit.store.write((tables) => lossesOf(tables, vehicle.id, [rear]));
    expect(loss?.ranges).toEqual(RangeSet.of({ startMs: at(0), endMs: at(4) }));
  });
});
