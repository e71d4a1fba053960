import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { schemaShape } from '@gapless/harness/schema-shape';
import type { Database } from '@gapless/shared/sqlite';
import { openDatabase } from '@gapless/shared/sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { storeSchema } from './schema.js';

describe('the schema of central', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gapless-schema-'));
  });
  afterAll(() => rm(directory, { recursive: true }));

  function former(name: string, version: number): Database {
    const latest = readFileSync(new URL(`./testdata/schema-${version}.sql`, import.meta.url), 'utf8');
    return openDatabase(join(directory, name), { latest, version, migrations: [] });
  }

  it.each([1, 2])('is the same whether it was made anew or brought up from version %i', (version) => {
    const path = join(directory, `old-${version}.sqlite`);
    former(`old-${version}.sqlite`, version).close();
    const upgraded = openDatabase(path, storeSchema);
    const fresh = openDatabase(join(directory, `new-${version}.sqlite`), storeSchema);
    expect(schemaShape(upgraded)).toEqual(schemaShape(fresh));
    expect(storeSchema.migrations.at(-1)?.version).toBe(storeSchema.version);
    upgraded.close();
    fresh.close();
  });

  it('counts what was stored before it was counted', () => {
    const old = former('filled.sqlite', 1);
    old.exec(`
      INSERT INTO vehicle (id, name, state, enrolled_ms, link_key, sftp_key, evidence_key) VALUES (1, 'bus-1', 'enrolled', 0, x'', x'', x'');
      INSERT INTO lens (id, vehicle_id, name, live, state) VALUES (1, 1, 'front', 'push', 'stopped'), (2, 1, 'rear', 'off', 'stopped');
      INSERT INTO run (id, lens_id, name) VALUES (1, 1, 'a');
      INSERT INTO object (lens_id, run_id, seq, state, start_ms, end_ms, size_bytes, sha256, path, fragments, verified_ms) VALUES
        (1, 1, 0, 'verified', 1700000000000, 1700000010000, 500, zeroblob(32), 'a', x'01', 1700000020000),
        (1, 1, 1, 'verified', 10, 10010, 300, zeroblob(32), 'b', x'01', 1700000030000),
        (1, 1, 2, 'receiving', 1700000010000, 1700000020000, 200, zeroblob(32), NULL, NULL, NULL);
    `);
    old.close();
    const upgraded = openDatabase(join(directory, 'filled.sqlite'), storeSchema);
    expect(upgraded.prepare('SELECT stored_bytes FROM lens ORDER BY id').pluck().all()).toEqual([800, 0]);
    // What a clock that stood in 1970 recorded is as old as its arrival.
    expect(upgraded.prepare('SELECT age_from_ms FROM object ORDER BY seq').pluck().all()).toEqual([
      1_700_000_010_000,
      1_700_000_030_000,
      null,
    ]);
    upgraded.close();
  });
});
