import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { schemaShape } from '@gapless/harness/schema-shape';
import { openDatabase } from '@gapless/shared/sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { indexSchema } from './schema.js';

describe('the schema of the index', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gapless-schema-'));
  });
  afterAll(() => rm(directory, { recursive: true }));

  const first = {
    latest: readFileSync(new URL('./testdata/schema-1.sql', import.meta.url), 'utf8'),
    version: 1,
    migrations: [],
  };

  it('is the same whether it was made anew or brought up from version 1', () => {
    const path = join(directory, 'old.sqlite');
    openDatabase(path, first).close();
    const upgraded = openDatabase(path, indexSchema);
    const fresh = openDatabase(join(directory, 'new.sqlite'), indexSchema);
    expect(schemaShape(upgraded)).toEqual(schemaShape(fresh));
    expect(indexSchema.migrations.at(-1)?.version).toBe(indexSchema.version);
    upgraded.close();
    fresh.close();
  });

  it('knows where the files of older tombstones lay, and that they are gone', () => {
    const path = join(directory, 'filled.sqlite');
    const old = openDatabase(path, first);
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
      INSERT INTO segment VALUES (1, 5000, 1, 0, 6000, 5000, 10, zeroblob(32), 1, 1, x'01', NULL, 0, 2);
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
      INSERT INTO segment VALUES (1, 5000, 1, 0, 6000, 5000, 10, zeroblob(32), 1, 1, x'01', NULL, 0, 2);
      INSERT INTO segment VALUES (1, 6000, 1, 1, 7000, 6000, 7, zeroblob(32), 2, 1, x'01', NULL, 0, 3);
      DELETE FROM segment WHERE seq = 0;
    `);
    expect(database.prepare('SELECT bytes FROM lens').pluck().get()).toBe(7);
    database.close();
  });
});
