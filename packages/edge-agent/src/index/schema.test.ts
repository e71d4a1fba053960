import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { schemaShape } from '@gapless/harness/schema-shape';
import type { Schema } from '@gapless/shared/sqlite';
import { openDatabase } from '@gapless/shared/sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { indexSchema } from './schema.js';

describe('the schema of the index', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gapless-schema-'));
  });
  afterAll(() => rm(directory, { recursive: true }));

  const former = (version: number): Schema => ({
    latest: readFileSync(new URL(`./testdata/schema-${version}.sql`, import.meta.url), 'utf8'),
    version,
    migrations: [],
  });

  it.each([1, 2, 3, 4])('is the same whether it was made anew or brought up from version %i', (version) => {
    const path = join(directory, `old-${version}.sqlite`);
    openDatabase(path, former(version)).close();
    const upgraded = openDatabase(path, indexSchema);
    const fresh = openDatabase(join(directory, `new-${version}.sqlite`), indexSchema);
    expect(schemaShape(upgraded)).toEqual(schemaShape(fresh));
    expect(indexSchema.migrations.at(-1)?.version).toBe(indexSchema.version);
    upgraded.close();
    fresh.close();
  });

  it('knows where the files of older tombstones lay, and that they are gone', () => {
    const path = join(directory, 'filled.sqlite');
    const old = openDatabase(path, former(1));
    old.exec(`
      INSERT INTO lens (id, name) VALUES (1, 'front');
      INSERT INTO run (id, lens_id, name, boot_id, monotonic_ms, clock_trusted, start_ms, codecs, change_seq)
        VALUES (1, 1, 'a', 'boot', 0, 1, 0, '[]', 1);
      INSERT INTO tombstone VALUES (1, 0, 1, 5000, 6000, 10, zeroblob(32), 9000, 'evicted', 2);
    `);
    old.close();
    const upgraded = openDatabase(path, indexSchema);
    const row = upgraded.prepare('SELECT file_start_ms, file_gone FROM tombstone').get();
    expect(row).toEqual({ file_start_ms: 5_000, file_gone: 1 });
    upgraded.close();
  });

  it('knows what of an older index may go without loss, and that nothing of it is protected', () => {
    const path = join(directory, 'filled-2.sqlite');
    const old = openDatabase(path, former(2));
    old.exec(`
      INSERT INTO lens (id, name) VALUES (1, 'front');
      INSERT INTO run (id, lens_id, name, boot_id, monotonic_ms, clock_trusted, start_ms, codecs, change_seq)
        VALUES (1, 1, 'a', 'boot', 0, 1, 0, '[]', 1);
      INSERT INTO segment VALUES (1, 5000, 1, 0, 6000, 5000, 10, zeroblob(32), 1, 1, x'01', NULL, 1, 2);
      INSERT INTO segment VALUES (1, 6000, 1, 1, 7000, 6000, 7, zeroblob(32), 2, 1, x'01', NULL, 0, 3);
    `);
    old.close();
    const upgraded = openDatabase(path, indexSchema);
    const sums = upgraded.prepare('SELECT bytes, protected_bytes, spare_bytes FROM lens');
    expect(sums.get()).toEqual({ bytes: 17, protected_bytes: 0, spare_bytes: 10 });
    upgraded.exec("INSERT INTO protection VALUES (1, 'police', 5500, 5600, 'accident', 0, NULL)");
    expect(sums.get()).toEqual({ bytes: 17, protected_bytes: 10, spare_bytes: 0 });
    upgraded.close();
  });

  it.each([
    ['a segment that ends before it begins', 'UPDATE segment SET end_ms = start_ms'],
    ['a segment longer than any may be', 'UPDATE segment SET end_ms = start_ms + 600001'],
    ['a hash that is none', "UPDATE segment SET sha256 = x'00'"],
    ['an end without a reason', 'UPDATE run SET end_ms = 9'],
    ['a run that ends before it begins', "UPDATE run SET start_ms = 5, end_ms = 4, end_reason = 'stopped'"],
    ['a reason that nobody knows', "INSERT INTO absence VALUES (1, 0, 1, 'asleep', NULL, 9)"],
    ['a segment of a run that is not there', 'UPDATE segment SET run_id = 7'],
    ['text for a number', "UPDATE segment SET size_bytes = 'many'"],
  ])('refuses %s', (_, sql) => {
    const database = openDatabase(':memory:', indexSchema);
    database.exec(`
      INSERT INTO lens (id, name) VALUES (1, 'front');
      INSERT INTO run (id, lens_id, name, boot_id, monotonic_ms, clock_trusted, start_ms, codecs, change_seq)
        VALUES (1, 1, 'a', 'boot', 0, 1, 0, '[]', 1);
      INSERT INTO segment VALUES (1, 5000, 1, 0, 6000, 5000, 10, zeroblob(32), 1, 1, x'01', NULL, 0, 2, 0, NULL);
    `);
    expect(() => database.exec(sql)).toThrow();
    database.close();
  });

  it('keeps the sum of the sizes of each lens’s segments', () => {
    const database = openDatabase(':memory:', indexSchema);
    database.exec(`
      INSERT INTO lens (id, name) VALUES (1, 'front');
      INSERT INTO run (id, lens_id, name, boot_id, monotonic_ms, clock_trusted, start_ms, codecs, change_seq)
        VALUES (1, 1, 'a', 'boot', 0, 1, 0, '[]', 1);
      INSERT INTO segment VALUES (1, 5000, 1, 0, 6000, 5000, 10, zeroblob(32), 1, 1, x'01', NULL, 0, 2, 0, NULL);
      INSERT INTO segment VALUES (1, 6000, 1, 1, 7000, 6000, 7, zeroblob(32), 2, 1, x'01', NULL, 0, 3, 0, NULL);
      DELETE FROM segment WHERE seq = 0;
    `);
    expect(database.prepare('SELECT bytes FROM lens').pluck().get()).toBe(7);
    database.close();
  });

  it('keeps which segments are protected, whichever of segment and pin comes, goes or moves', () => {
    const database = openDatabase(':memory:', indexSchema);
    const state = (): unknown =>
      database
        .prepare(
          'SELECT group_concat(protected) AS flags, (SELECT protected_bytes FROM lens) AS bytes, (SELECT spare_bytes FROM lens) AS spare FROM (SELECT protected FROM segment ORDER BY seq)',
        )
        .get();
    const segment = (seq: number, receipted: 0 | 1): string =>
      `INSERT INTO segment VALUES (1, ${5000 + 1000 * seq}, 1, ${seq}, ${6000 + 1000 * seq}, 0, 10, zeroblob(32), 1, 1, x'01', NULL,
        ${receipted}, ${2 + seq}, 0, NULL)`;
    database.exec(`
      INSERT INTO lens (id, name) VALUES (1, 'front'), (2, 'rear');
      INSERT INTO run (id, lens_id, name, boot_id, monotonic_ms, clock_trusted, start_ms, codecs, change_seq)
        VALUES (1, 1, 'a', 'boot', 0, 1, 0, '[]', 1);
      ${segment(0, 1)}; ${segment(1, 0)};
      INSERT INTO protection VALUES (1, 'police', 6000, 7500, 'accident', 0, NULL), (2, 'police', 0, 9000, '', 0, NULL);
      ${segment(2, 1)}; ${segment(3, 0)};
    `);
    expect(state()).toEqual({ flags: '0,1,1,0', bytes: 20, spare: 10 });
    database.exec("INSERT INTO protection VALUES (1, 'insurer', 7400, 9000, 'accident', 0, NULL)");
    expect(state()).toEqual({ flags: '0,1,1,1', bytes: 30, spare: 10 });
    database.exec("DELETE FROM protection WHERE holder = 'police'");
    expect(state()).toEqual({ flags: '0,0,1,1', bytes: 20, spare: 10 });
    database.exec(
      'UPDATE segment SET receipted = 1 WHERE seq = 3; UPDATE segment SET receipted = 1 WHERE seq = 1',
    );
    expect(state()).toEqual({ flags: '0,0,1,1', bytes: 20, spare: 20 });
    database.exec('UPDATE segment SET start_ms = 19000, end_ms = 20000 WHERE seq = 2');
    database.exec('UPDATE segment SET start_ms = 7000, end_ms = 8000 WHERE seq = 0');
    expect(state()).toEqual({ flags: '1,0,0,1', bytes: 20, spare: 20 });
    database.exec('DELETE FROM segment');
    expect(database.prepare('SELECT bytes + protected_bytes + spare_bytes FROM lens').pluck().get()).toBe(0);
    database.close();
  });
});
