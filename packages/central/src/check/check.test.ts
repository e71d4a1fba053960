import { readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { MadeSegment } from '../../../../fixtures/media/index.js';
import { cutSegments, recorded } from '../../../../fixtures/media/index.js';
import type { OrderlyStore } from '../../../../test/support/orderly-store.js';
import { orderlyStore } from '../../../../test/support/orderly-store.js';
import { storeDamages } from '../../../../test/support/store-damages.js';
import { coverageLayers, mediaPath } from '../store/index.js';
import type { Invariant } from './finding.js';
import { invariants } from './finding.js';
import { repairAll } from './repair.js';

describe('checking a store', () => {
  let made: MadeSegment[];
  beforeAll(async () => {
    made = cutSegments(await recorded('h264'), { fragmentsEach: 2 });
  });

  let place: OrderlyStore;
  beforeEach(async () => {
    place = await orderlyStore(made);
  });
  afterEach(() => place.kit[Symbol.asyncDispose]());

  it('has a case for each of its rules', () => {
    expect(new Set(storeDamages.map(({ rule }) => String(rule)))).toEqual(new Set(Object.keys(invariants)));
  });

  it('finds nothing in a store that is in order, and says what it looked at', async () => {
    const { findings, checked } = await place.kit.check({ readData: true });
    expect(findings).toEqual([]);
    const bytes = place.segments.slice(0, 3).reduce((sum, one) => sum + one.bytes.length, 0);
    expect(checked).toEqual({ objects: 4, lenses: 2, files: 5, bytes });
  });

  it('does not take for lost what a crash has published and not yet committed', async () => {
    const { kit, vehicle, lens, receiving } = place;
    const published = mediaPath(vehicle.name, receiving, receiving.startMs);
    const assembly = kit.layout.assembly(vehicle.name, lens.name, receiving);
    await kit.store.write((tables) => tables.pieces.clear(receiving.id));
    await rename(assembly, kit.layout.media(published));
    expect((await kit.check()).findings).toEqual([]);
  });

  it.each(storeDamages)('finds, by rule $rule, that $what, and nothing else', async (damage) => {
    await damage.break(place);
    const { findings } = await place.kit.check({ readData: damage.readData ?? false });
    expect(findings.map(({ invariant }) => invariant)).toEqual(
      new Array<Invariant>(damage.findings ?? 1).fill(damage.rule),
    );
    for (const { subject, message } of findings) expect(`${subject} ${message}`.length).toBeGreaterThan(10);
  });

  it.each(storeDamages.filter(({ repaired }) => repaired !== false))(
    'repairs, by rule $rule, that $what, and loses no footage',
    async (damage) => {
      const footage = await footageOf(place);
      await damage.break(place);
      const broken = await footageOf(place);
      const { repaired, left } = await repairAll(place.kit, () =>
        place.kit.check({ readData: damage.readData ?? false }),
      );
      expect(repaired.length).toBeGreaterThanOrEqual(damage.findings ?? 1);
      expect(left.findings).toEqual([]);
      if (damage.repaired) await damage.repaired(place);
      // Whatever was in media before the repair is still somewhere.
      const after = await footageOf(place);
      for (const [content] of broken) expect(after.has(content)).toBe(true);
      expect(footage.size).toBeGreaterThan(0);
    },
  );

  it.each(storeDamages.filter(({ repaired }) => repaired === false))(
    'leaves alone what nobody can know, and goes on reporting it: $what',
    async (damage) => {
      await damage.break(place);
      const { findings } = await place.kit.check();
      expect(await repairAll(place.kit, () => place.kit.check())).toMatchObject({
        repaired: [],
        left: { findings },
      });
    },
  );

  it('repairs several faults at once, each as if it were the only one', async () => {
    const every = storeDamages.filter(({ what }) =>
      [
        'a stored file is gone',
        'a lens counts other bytes than it has',
        'pieces overlap',
        'ranges of a layer touch',
        'a file in quarantine is gone',
        'a row refers to one that is not there',
      ].includes(what),
    );
    for (const damage of every) await damage.break(place);
    const { left } = await repairAll(place.kit, () => place.kit.check());
    expect(left.findings.map(({ invariant }) => invariant)).toEqual([13]);
  });

  it('changes nothing when nothing is found', async () => {
    const before = await dump(place);
    await repairAll(place.kit, () => place.kit.check({ readData: true }));
    expect(await dump(place)).toEqual(before);
  });
});

/** The contents of all files in media and in quarantine, with where each is. */
async function footageOf({ kit }: OrderlyStore): Promise<Map<string, string>> {
  const contents = new Map<string, string>();
  for (const root of [kit.layout.media(''), kit.layout.quarantine('')]) {
    for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      contents.set((await readFile(path)).toString('base64'), path);
    }
  }
  return contents;
}

async function dump(place: OrderlyStore): Promise<object> {
  const { kit, lens } = place;
  const layers = coverageLayers.map((layer) => [layer, kit.layer(lens, layer).ranges]);
  return {
    layers,
    objects: kit.store.read.objects.after(0, 100),
    lens: kit.fresh(lens),
    footage: [...(await footageOf(place))],
  };
}
