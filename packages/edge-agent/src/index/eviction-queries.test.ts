import { parseLensName } from '@gapless/shared/ids';
import { Statements } from '@gapless/shared/sqlite';
import { describe, expect, it } from 'vitest';
import { EvictionQueries } from './eviction-queries.js';
import { ForecastQueries } from './forecast-queries.js';
import { openIndex } from './open-index.js';

/** Keeps how a statement would be answered. */
class ExplainingStatements extends Statements {
  readonly plan: string[] = [];

  override all<Row>(sql: string, ...bind: unknown[]): Row[] {
    this.plan.push(
      ...super.all<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`, ...bind).map(({ detail }) => detail),
    );
    return super.all(sql, ...bind);
  }

  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- as the method that it stands for
  override get<Row>(sql: string, ...bind: unknown[]): Row | undefined {
    return this.all<Row>(sql, ...bind)[0];
  }
}

describe('what goes first', () => {
  const lens = parseLensName('front');
  const ofLens = /^SEARCH s USING (COVERING )?INDEX segment_lens_eviction \(lens_id=\? AND receipted=\?/;

  it.each<[string, (statements: Statements) => unknown, RegExp]>([
    [
      'on the disk',
      (statements) => new EvictionQueries(statements).receipted(10),
      /INDEX segment_eviction \(receipted=\?\)/,
    ],
    ['of a lens', (statements) => new EvictionQueries(statements).unreceipted(10, lens), ofLens],
    ['of a lens by its age', (statements) => new EvictionQueries(statements).olderThan(lens, 1, 10), ofLens],
    ['of what is at risk', (statements) => new ForecastQueries(statements).oldestAtRisk(lens), ofLens],
    [
      'of all that is at risk',
      (statements) => new ForecastQueries(statements).atRiskBytesBefore(1),
      /^SEARCH s USING COVERING INDEX segment_lens_eviction \(lens_id=\? AND receipted=\? AND start_ms<\?\)$/,
    ],
  ])('%s is found by one stretch of one index, in its order', (_, ask, expected) => {
    const database = openIndex(':memory:');
    try {
      const statements = new ExplainingStatements(database);
      ask(statements);
      expect(statements.plan).toContainEqual(expect.stringMatching(expected));
      expect(statements.plan.filter((detail) => /SCAN s\b|TEMP B-TREE/.test(detail))).toEqual([]);
    } finally {
      database.close();
    }
  });
});
