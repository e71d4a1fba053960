import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SimulatedClock } from '@gapless/shared/time';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Store, StoreView } from './store.js';

describe(Store, () => {
  const clock = new SimulatedClock();
  let dataDir: string;
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'gapless-store-'));
  });
  afterEach(() => rm(dataDir, { recursive: true }));

  it.each([
    ['to look at', (directory: string) => new StoreView(directory)],
    ['to repair', (directory: string) => Store.openAlone(directory, clock)],
  ])('is not made where there is none %s', async (_, open) => {
    for (const directory of [dataDir, join(dataDir, 'nowhere')])
      expect(() => open(directory)).toThrow(expect.objectContaining({ code: 'DATABASE_MISSING' }));
    expect(await readdir(dataDir)).toEqual([]);
  });

  it('may be looked at while somebody has it, and repaired only once nobody has', () => {
    const running = Store.open(dataDir, clock);
    expect(() => Store.openAlone(dataDir, clock)).toThrow(
      expect.objectContaining({ code: 'DATABASE_IN_USE' }),
    );
    using view = new StoreView(dataDir);
    expect(view.snapshot(({ vehicles }) => vehicles.all())).toEqual([]);
    view[Symbol.dispose]();
    running[Symbol.dispose]();
    using alone = Store.openAlone(dataDir, clock);
    expect(alone.read.vehicles.all()).toEqual([]);
  });
});
