import { openDatabase } from '@gapless/shared/sqlite';
import { describe, expect, it } from 'vitest';
import { uploadsSchema } from './schema.js';

const FILLED = `
  INSERT INTO upload VALUES ('upl_1', 1, '{}', 'queued', NULL), ('upl_2', 1, '{}', 'done', 9);
  INSERT INTO item (upload_id, seq, source, name, state) VALUES ('upl_1', 0, '{}', 'a', 'queued');
  INSERT INTO item VALUES ('upl_2', 0, '{}', 'a', 'verified', 'f', '/a', 1, zeroblob(32), 0, NULL);
`;

describe('the schema of uploads', () => {
  it.each([
    ['a state that nobody knows', "UPDATE upload SET state = 'lost'"],
    ['an end of what goes on', "UPDATE upload SET ended_ms = 9 WHERE id = 'upl_1'"],
    ['no end of what has ended', "UPDATE upload SET state = 'done' WHERE id = 'upl_1'"],
    ['a proof of what is not known', "UPDATE item SET state = 'verified' WHERE upload_id = 'upl_1'"],
    ['half of what an item is', "UPDATE item SET path = '/a' WHERE upload_id = 'upl_1'"],
    ['a hash that is none', "UPDATE item SET sha256 = x'00' WHERE upload_id = 'upl_2'"],
    ['a failure without a reason', "UPDATE item SET state = 'failed' WHERE upload_id = 'upl_1'"],
    ['a reason without a failure', "UPDATE item SET error = '{}' WHERE upload_id = 'upl_1'"],
    [
      'an item of nothing',
      "INSERT INTO item (upload_id, seq, source, name, state) VALUES ('x', 0, '', '', 'queued')",
    ],
  ])('refuses %s', (_, sql) => {
    const database = openDatabase(':memory:', uploadsSchema);
    database.exec(FILLED);
    expect(() => database.exec(sql)).toThrow();
    database.close();
  });

  it('forgets the items of an upload with it', () => {
    const database = openDatabase(':memory:', uploadsSchema);
    database.exec(`${FILLED} DELETE FROM upload WHERE ended_ms < 10`);
    expect(database.prepare('SELECT upload_id FROM item').pluck().all()).toEqual(['upl_1']);
    database.close();
  });

  it.each([
    'SELECT * FROM upload WHERE ended_ms IS NULL ORDER BY id',
    'DELETE FROM upload WHERE ended_ms < 5',
    "SELECT * FROM item WHERE upload_id = 'x' ORDER BY seq",
    'SELECT * FROM upload ORDER BY id DESC LIMIT 5',
  ])('has an index for: %s', (sql) => {
    const database = openDatabase(':memory:', uploadsSchema);
    const plan = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as { detail: string }[];
    const details = plan.map(({ detail }) => detail).join('; ');
    expect(details).toMatch(/USING (COVERING )?INDEX|USING PRIMARY KEY|SCAN upload$/);
    expect(details).not.toContain('TEMP B-TREE');
    database.close();
  });
});
