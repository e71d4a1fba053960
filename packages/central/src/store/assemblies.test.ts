import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CentralKit, turns } from '../../../../test/support/central-kit.js';
import { at } from '../../../../test/support/drawn-timeline.js';
import { parseRunId } from '@gapless/shared/ids';
import { Assemblies } from './assemblies.js';
import type { Lens } from './lenses.js';
import type { StoredObject } from './objects.js';

const MAX_OPEN_FILES = 3;
const RUN = parseRunId('20260101T000000000Z-3fa9c1');

describe(Assemblies, () => {
  let kit: CentralKit;
  let lens: Lens;
  let assemblies: Assemblies;
  beforeEach(async () => {
    kit = await CentralKit.create();
    lens = await kit.lens(await kit.enrol());
    assemblies = new Assemblies(kit.disk, kit.layout, MAX_OPEN_FILES);
  });
  afterEach(async () => {
    await assemblies[Symbol.asyncDispose]();
    await kit[Symbol.asyncDispose]();
  });

  const objects = (count: number): Promise<StoredObject[]> =>
    kit.store.write((tables) => {
      const runId = tables.lenses.ensureRun(lens.id, RUN).id;
      return Array.from({ length: count }, (_, seq) => {
        const extent = { startMs: at(seq), endMs: at(seq + 1) };
        return tables.objects.byId(tables.objects.ensure({ lensId: lens.id, runId, seq, ...extent }))!;
      });
    });

  it('keeps no more files open than it may, and loses nothing of those that it closed meanwhile', async () => {
    const all = await objects(20);
    const openFiles = (): number => all.filter((object) => assemblies.of(lens.vehicle, object).isOpen).length;
    for (const [i, object] of all.entries())
      await assemblies.of(lens.vehicle, object).write(Buffer.alloc(100, i), 0);
    await turns();
    expect(openFiles()).toBeLessThanOrEqual(MAX_OPEN_FILES);
    for (const [i, object] of all.entries()) {
      const assembly = assemblies.of(lens.vehicle, object);
      await assembly.write(Buffer.alloc(100, i), 100);
      const expected = Buffer.alloc(200, i);
      expect((await readFile(assembly.path)).equals(expected)).toBe(true);
      expect(await assembly.sha256(200)).toBe(createHash('sha256').update(expected).digest('hex'));
    }
  });

  it('closes nothing that is written to or proven at that moment', async () => {
    const [one] = await objects(1);
    const assembly = assemblies.of(lens.vehicle, one!);
    const writing = assembly.write(Buffer.alloc(50, 1), 0);
    await assembly.rest();
    expect(await writing).toBe(true);
    await assembly.freeze();
    await assembly.rest();
    expect(assembly.isOpen).toBe(true);
    expect(await assembly.write(Buffer.alloc(1), 0)).toBe(false);
  });

  it('takes up what an earlier process wrote', async () => {
    const [one] = await objects(1);
    await assemblies.of(lens.vehicle, one!).write(Buffer.alloc(50, 1), 0);
    await assemblies.release(one!.id);
    const again = assemblies.of(lens.vehicle, one!);
    await again.write(Buffer.alloc(50, 2), 50);
    const whole = Buffer.concat([Buffer.alloc(50, 1), Buffer.alloc(50, 2)]);
    expect(await again.sha256(100)).toBe(createHash('sha256').update(whole).digest('hex'));
  });
});
