import { existsSync } from 'node:fs';
import { copyFile, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { nodeDisk } from '@gapless/shared/fs';
import { noSteps } from '@gapless/shared/lifecycle';
import { openDatabase } from '@gapless/shared/sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { at, BrokenPlace } from '../../../../../test/support/edge/broken-place.js';
import { Kill } from '../../../../../test/support/edge/kill.js';
import type { RecordedPlace } from '../../../../../test/support/edge/recorded-place.js';
import { recordedPlace } from '../../../../../test/support/edge/recorded-place.js';
import type { Place } from '../../../../../test/support/edge/recordings.js';
import { checkPlace, front, rear, Recordings } from '../../../../../test/support/edge/recordings.js';
import { IndexReader } from '../index-reader.js';
import { openIndex, readIndex } from '../open-index.js';
import { journalPath, segmentPath } from '../paths.js';
import { indexSchema } from '../schema.js';
import type { Difference } from './compare.js';
import { compareIndexes } from './compare.js';
import type { RebuildOptions, Rebuilt } from './rebuild.js';
import { rebuildIndex } from './rebuild.js';
import { formerIndexPath } from './swap-index.js';

const DAY = '2026-08-22';

let base: RecordedPlace;

beforeAll(async () => {
  base = await recordedPlace();
});
afterAll(() => base.place[Symbol.asyncDispose]());

function rebuild(place: Place, options: Partial<RebuildOptions> = {}): Promise<Rebuilt> {
  return rebuildIndex({
    path: place.indexPath,
    storageDir: place.storageDir,
    disk: nodeDisk,
    step: noSteps,
    readData: false,
    nowMs: base.stoppedMs,
    onProgress: () => undefined,
    signal: new AbortController().signal,
    ...options,
  });
}

/** How the index at a place differs from that of the undamaged recordings. */
function differences(place: Place): Difference[] {
  const database = openDatabase(place.indexPath, indexSchema);
  try {
    return compareIndexes(database, base.place.indexPath);
  } finally {
    database.close();
  }
}

function ask<T>(place: Place, question: (reader: IndexReader) => T): T {
  const database = readIndex(place.indexPath);
  try {
    return question(new IndexReader(database));
  } finally {
    database.close();
  }
}

function check(place: Place): ReturnType<typeof checkPlace> {
  return checkPlace(place, { nowMs: base.stoppedMs });
}

describe('rebuildIndex', () => {
  it.each([false, true])('makes an index that says the same, reading data: %s', async (readData) => {
    await using place = await base.place.copy();
    const epoch = ask(place, ({ catalogueEpoch }) => catalogueEpoch);
    const rebuilt = await rebuild(place, { readData });
    expect(rebuilt).toEqual({
      segments: 8,
      leftOut: [],
      differences: [],
      former: formerIndexPath(place.indexPath),
    });
    expect(differences(place)).toEqual([]);
    expect(await check(place)).toEqual([]);
    expect(ask(place, ({ catalogueEpoch }) => catalogueEpoch)).not.toBe(epoch);
    expect(ask(place, ({ stoppedMs }) => stoppedMs)).toBe(base.stoppedMs);
  });

  it('makes the same index when the former one is gone', async () => {
    await using place = await base.place.copy();
    await rm(place.indexPath);
    const rebuilt = await rebuild(place);
    expect([rebuilt.former, rebuilt.differences]).toEqual([undefined, undefined]);
    expect(differences(place)).toEqual([]);
  });

  it('makes the same index when the former one is damaged, and keeps that', async () => {
    await using broken = await BrokenPlace.of(base);
    await broken.scribble();
    const bytes = await readFile(broken.place.indexPath);
    bytes.fill(0x5a, 0, 4096);
    await writeFile(broken.place.indexPath, bytes);
    const rebuilt = await rebuild(broken.place);
    expect(rebuilt.differences).toBeUndefined();
    expect(await readFile(rebuilt.former!)).toEqual(bytes);
    expect(differences(broken.place)).toEqual([]);
  });

  it('says what the former index said otherwise', async () => {
    await using broken = await BrokenPlace.of(base);
    broken.sql(
      'DELETE FROM absence',
      'UPDATE segment SET receipted = 1 - receipted WHERE seq = 2 AND run_id = 1',
    );
    const { run, seq } = broken.segment(0, 2);
    const { startMs } = ask(
      base.place,
      ({ absences }) => absences.newest(front, { startMs: 0, endMs: 4e12 }, 1)[0]!,
    );
    const rebuilt = await rebuild(broken.place);
    expect(rebuilt.differences).toEqual([
      { kind: 'segment', missing: 0, added: 0, changed: 1, examples: [`front/${run}/${seq}`] },
      { kind: 'absence', missing: 0, added: 1, changed: 0, examples: [`front/${startMs}`] },
    ]);
    expect(differences(broken.place)).toEqual([]);
  });

  it('gives back every segment and its run from the files alone', async () => {
    await using place = await base.place.copy();
    await rm(place.indexPath);
    for (const lens of [front, rear]) await rm(`${place.storageDir}/${journalPath(lens, DAY)}`);
    await rebuild(place);
    const [a, b] = base.runs;
    const found = Object.fromEntries(differences(place).map(({ kind, ...rest }) => [kind, rest]));
    // What only a journal says: how three runs ended, one receipt, one tombstone, one absence.
    expect(found).toMatchObject({
      run: { missing: 0, added: 0, changed: 3 },
      segment: { missing: 0, added: 0, changed: 1, examples: [`front/${a}/1`] },
      tombstone: { missing: 1, added: 0, changed: 0, examples: [`front/${a}/0`] },
      absence: { missing: 1, added: 0, changed: 0 },
    });
    await using recordings = new Recordings(place);
    await recordings.begin(front, rear);
    const ends = [a, b].map((run) => recordings.reader.runs.get(front, run)!.endMs);
    const formerEnds = ask(base.place, ({ runs }) => [a, b].map((run) => runs.get(front, run)!.endMs));
    expect(ends).toEqual(formerEnds);
    const findings = await recordings.check();
    expect(findings.map(({ invariant, detail }) => [invariant, detail])).toEqual([
      ['numbering', 'nothing says what became of number 0 of the run'],
    ]);
  });

  it('is noted in a new journal by the next start', async () => {
    await using place = await base.place.copy();
    await rm(`${place.storageDir}/${journalPath(front, DAY)}`);
    await rm(place.indexPath);
    await rebuild(place);
    {
      await using recordings = new Recordings(place);
      await recordings.begin(front, rear);
    }
    const before = ask(place, ({ runs }) => runs.ofLens(front, 0, 10).map(({ row }) => row));
    const again = await rebuild(place);
    expect(again.differences).toEqual([]);
    expect(ask(place, ({ runs }) => runs.ofLens(front, 0, 10).map(({ row }) => row))).toEqual(before);
  });

  it('takes the file of a deleted segment for one that is still to be removed', async () => {
    await using broken = await BrokenPlace.of(base);
    const back = broken.path(segmentPath(broken.tombstone()));
    await copyFile(broken.file(broken.segment(0, 1)), back);
    const bytes = await readFile(back);
    // The file's own word counts, and it is still the copy's.
    await rebuild(broken.place).then(({ leftOut }) =>
      expect(leftOut[0]!.detail).toBe('the file says that it is another segment than its name does'),
    );
    bytes.write('"seq":0', at(bytes, '"seq":1'), 'latin1');
    await writeFile(back, bytes);
    const rebuilt = await rebuild(broken.place);
    expect([rebuilt.leftOut, rebuilt.segments]).toEqual([[], 8]);
    await using recordings = new Recordings(broken.place);
    await recordings.begin(front, rear);
    expect(existsSync(back)).toBe(false);
  });

  it('leaves out what cannot be believed, and says why', async () => {
    await using broken = await BrokenPlace.of(base);
    const torn = broken.segment(0, 2);
    const last = broken.segment(1, 2);
    await truncate(broken.file(torn), torn.sizeBytes - 10);
    const bytes = await readFile(broken.file(last));
    bytes[at(bytes, 'mdat') + 40]! ^= 1;
    await writeFile(broken.file(last), bytes);
    await writeFile(broken.path(segmentPath({ ...last, seq: 17 })), 'no box');
    const { leftOut, segments, differences: found } = await rebuild(broken.place);
    expect(leftOut.map(({ path }) => path).sort()).toEqual(
      [segmentPath(torn), segmentPath(last), segmentPath({ ...last, seq: 17 })].sort(),
    );
    expect(segments).toBe(6);
    expect(found).toMatchObject([
      { kind: 'segment', missing: 2 },
      { kind: 'tombstone', added: 2 },
    ]);
    await rm(broken.path(segmentPath({ ...last, seq: 17 })));
    await using recordings = new Recordings(broken.place);
    await recordings.begin(front, rear);
    expect(await readdir(broken.path('front/quarantine'))).toHaveLength(2);
    expect(recordings.reader.tombstones.get(torn)).toMatchObject({ reason: 'corrupt', sha256: torn.sha256 });
    expect(await recordings.check()).toEqual([]);
  });

  it('finds damage that only the data show, when it reads them', async () => {
    await using broken = await BrokenPlace.of(base);
    const segment = broken.segment(1, 0);
    const bytes = await readFile(broken.file(segment));
    bytes[at(bytes, 'mdat') + 40]! ^= 1;
    await writeFile(broken.file(segment), bytes);
    expect((await rebuild(broken.place)).leftOut).toEqual([]);
    expect((await rebuild(broken.place, { readData: true })).leftOut).toEqual([
      { path: segmentPath(segment), detail: 'the file is not what was sealed: it is damaged' },
    ]);
  });

  it('says which lines of a journal it could not read', async () => {
    await using broken = await BrokenPlace.of(base);
    await broken.journal((lines) => ['hello', ...lines]);
    const { leftOut } = await rebuild(broken.place);
    expect(leftOut).toEqual([{ path: journalPath(front, DAY), detail: 'line 1 is no JSON' }]);
    expect(differences(broken.place)).toEqual([]);
  });

  it.each(['rebuild:1-keep', 'rebuild:2-replace'])(
    'leaves a whole index when it is killed at %s',
    async (step) => {
      await using place = await base.place.copy();
      const kill = new Kill(step);
      await expect(rebuild(place, { disk: kill.disk, step: kill.step })).rejects.toThrow('killed at');
      expect(differences(place)).toEqual([]);
      expect(await check(place)).toEqual([]);
      expect((await rebuild(place)).differences).toEqual([]);
    },
  );

  it('can be cancelled, and leaves the index as it was', async () => {
    await using place = await base.place.copy();
    const epoch = ask(place, ({ catalogueEpoch }) => catalogueEpoch);
    const stop = new AbortController();
    const rebuilding = rebuild(place, {
      signal: stop.signal,
      onProgress: () => stop.abort(new Error('enough')),
    });
    await expect(rebuilding).rejects.toThrow('enough');
    expect(ask(place, ({ catalogueEpoch }) => catalogueEpoch)).toBe(epoch);
  });

  it('makes an empty index where there are no recordings', async () => {
    await using place = await base.place.copy();
    await rm(place.indexPath);
    await rm(place.storageDir, { recursive: true });
    expect((await rebuild(place)).segments).toBe(0);
    const database = openIndex(place.indexPath);
    expect(new IndexReader(database).changeSeq).toBe(0);
    database.close();
  });
});
