import { open, rm, stat } from 'node:fs/promises';
import { nodeDisk } from '@gapless/shared/fs';
import { noSteps } from '@gapless/shared/lifecycle';
import { createLog } from '@gapless/shared/log';
import { GroupCommit } from '@gapless/shared/sqlite';
import { SimulatedClock } from '@gapless/shared/time';
import { describe, expect, it } from 'vitest';
import { recordedPlace } from '../../../../test/support/edge/recorded-place.js';
import { checkPlace, front, Place } from '../../../../test/support/edge/recordings.js';
import { IndexReader } from './index-reader.js';
import { openIndex } from './open-index.js';
import { openSoundIndex, tellingDamage } from './open-sound-index.js';
import { formerIndexPath } from './rebuild/swap-index.js';

const NOW = Date.UTC(2026, 7, 23);

const openAt = (place: Place) =>
  openSoundIndex({
    ...{ path: place.indexPath, storageDir: place.storageDir, disk: nodeDisk, step: noSteps },
    ...{ nowMs: NOW, log: createLog('test', 'silent') },
  });

/** Overwrites the pages of the index from the second on, where its tables lie, or from its very beginning. */
async function damage(path: string, from: 'header' | 'tables'): Promise<void> {
  const { size } = await stat(path);
  const file = await open(path, 'r+');
  const offset = from === 'header' ? 0 : 3 * 4096;
  await file.write(Buffer.alloc(size - offset, 0xa5), 0, size - offset, offset);
  await file.close();
}

describe(openSoundIndex, () => {
  it.each(['header', 'tables'] as const)(
    'makes an index with a damaged %s anew, and keeps it',
    async (what) => {
      const { place, runs } = await recordedPlace();
      await using _place = place;
      await damage(place.indexPath, what);
      const database = await openAt(place);
      const reader = new IndexReader(database);
      expect(reader.segments.ofRun(reader.runs.get(front, runs[1])!, 0, 10)).toHaveLength(3);
      database.close();
      expect((await stat(formerIndexPath(place.indexPath))).size).toBeGreaterThan(0);
      const findings = await checkPlace(place, { nowMs: NOW });
      expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
    },
  );

  it('makes an index anew that is gone, and an empty one where nothing was ever recorded', async () => {
    const { place, runs } = await recordedPlace();
    await using _place = place;
    await rm(place.indexPath);
    const database = await openAt(place);
    expect(new IndexReader(database).runs.get(front, runs[0])).toBeDefined();
    database.close();
    await using nothing = await Place.make();
    const empty = await openAt(nothing);
    expect(new IndexReader(empty).lenses()).toEqual([]);
    empty.close();
  });

  it('leaves a sound one as it is', async () => {
    const { place } = await recordedPlace();
    await using _place = place;
    const before = openIndex(place.indexPath);
    const { catalogueEpoch } = new IndexReader(before);
    before.close();
    const database = await openAt(place);
    expect(new IndexReader(database).catalogueEpoch).toBe(catalogueEpoch);
    database.close();
  });
});

describe(tellingDamage, () => {
  it('tells of damage that a change meets, and of no other failure', async () => {
    const { place } = await recordedPlace();
    await using _place = place;
    const database = openIndex(place.indexPath);
    database.pragma('wal_checkpoint(TRUNCATE)');
    const told: unknown[] = [];
    using commits = tellingDamage(
      new GroupCommit(database, new SimulatedClock(NOW)),
      place.indexPath,
      (thrown) => told.push(thrown),
    );
    await expect(commits.write(() => database.exec('INSERT INTO nothing VALUES (1)'))).rejects.toThrow();
    expect(told).toEqual([]);
    await damage(place.indexPath, 'tables');
    database.pragma('shrink_memory');
    await expect(
      commits.write(() => database.exec('UPDATE segment SET receipted = 1 - receipted')),
    ).rejects.toMatchObject({ code: 'DATABASE_CORRUPT' });
    expect(told).toMatchObject([{ code: 'DATABASE_CORRUPT' }]);
    database.close();
  });

  it('says of a disk that is full what it is', async () => {
    await using place = await Place.make();
    const database = openIndex(place.indexPath);
    const pages = database.pragma('page_count', { simple: true }) as number;
    database.pragma(`max_page_count = ${pages}`);
    const told: unknown[] = [];
    using commits = tellingDamage(
      new GroupCommit(database, new SimulatedClock(NOW)),
      place.indexPath,
      (thrown) => told.push(thrown),
    );
    const fill = (): unknown => database.exec("INSERT INTO meta VALUES ('much', hex(zeroblob(100000)))");
    await expect(commits.write(fill)).rejects.toMatchObject({
      code: 'DATABASE_WRITE_FAILED',
      details: { sqlite: 'SQLITE_FULL' },
    });
    expect(told).toEqual([]);
    database.close();
  });
});
