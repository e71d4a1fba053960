import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SimulatedClock } from '../time/index.js';
import type { Database } from './open.js';
import { openDatabase } from './open.js';
import { SnapshotCommit } from './snapshot-commit.js';

const schema = {
  latest: `CREATE TABLE parent (id INTEGER PRIMARY KEY) STRICT;
    CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED) STRICT;`,
  version: 1,
  migrations: [],
};
const EVERY_MS = 60_000;

describe(SnapshotCommit, () => {
  let directory: string;
  let database: Database;
  let other: Database;
  const clock = new SimulatedClock(0);
  let commits: SnapshotCommit;
  let committed: number;
  const failures: unknown[] = [];
  const redone: number[] = [];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gapless-snapshot-'));
    database = openDatabase(join(directory, 'a.sqlite'), schema);
    other = openDatabase(join(directory, 'a.sqlite'), schema);
    committed = 0;
    failures.length = redone.length = 0;
    commits = new SnapshotCommit({
      ...{ connection: database, clock, everyMs: EVERY_MS, onCommit: () => (committed += 1) },
      ...{ mark: () => 7, onRedo: (mark) => void redone.push(mark) },
      onError: (thrown) => void failures.push(thrown),
    });
  });
  afterEach(async () => {
    database.close();
    other.close();
    await rm(directory, { recursive: true });
  });

  const insert =
    (id: number, parent: number | null = null) =>
    (): void =>
      void database.prepare('INSERT INTO child VALUES (?, ?)').run(id, parent);
  const ids = (connection: Database): unknown[] =>
    connection.prepare('SELECT id FROM child ORDER BY id').pluck().all();

  it('shows at once what is written ahead, and commits it after a while, all of it together', async () => {
    await commits.writeAhead(insert(1));
    await commits.writeAhead(insert(2));
    expect([ids(database), ids(other)]).toEqual([[1, 2], []]);
    await clock.advance(EVERY_MS - 1);
    expect([ids(other), committed]).toEqual([[], 0]);
    await clock.advance(1);
    expect([ids(other), committed]).toEqual([[1, 2], 1]);
    await clock.advance(EVERY_MS);
    expect(committed).toBe(1);
  });

  it('says of what is written in time that it is durable when it is', async () => {
    let isDurable = false;
    void commits.writeInTime(insert(1)).then(() => (isDurable = true));
    await clock.advance(EVERY_MS - 1);
    expect(isDurable).toBe(false);
    await clock.advance(1);
    expect([isDurable, ids(other)]).toEqual([true, [1]]);
  });

  it('commits everything with the first change that has to be durable', async () => {
    await commits.writeAhead(insert(1));
    await commits.write(insert(2));
    expect([ids(other), committed]).toEqual([[1, 2], 1]);
  });

  it('spares the neighbours of a change that fails', async () => {
    await commits.writeAhead(insert(1));
    await expect(commits.writeAhead(insert(1))).rejects.toThrow('UNIQUE');
    await expect(commits.write(insert(1))).rejects.toThrow('UNIQUE');
    await commits.write(insert(2));
    expect(ids(other)).toEqual([1, 2]);
  });

  it('keeps what may wait when a commit fails, and fails what somebody waits for', async () => {
    await commits.writeAhead(insert(1));
    const failing = commits.write(insert(2, 99));
    await commits.writeAhead(insert(3));
    await expect(failing).rejects.toThrow('FOREIGN KEY');
    expect([ids(database), ids(other), redone, failures.length]).toEqual([[1, 3], [], [7], 1]);
    await clock.advance(EVERY_MS);
    expect(ids(other)).toEqual([1, 3]);
  });

  it('commits what is waiting when it ends', async () => {
    await commits.writeAhead(insert(1));
    commits[Symbol.dispose]();
    expect(ids(other)).toEqual([1]);
  });
});
