import { parseLensName } from '@gapless/shared/ids';
import { Statements } from '@gapless/shared/sqlite';
import { describe, expect, it } from 'vitest';
import { Place } from '../../../../test/support/edge/recordings.js';
import { ListingQueries } from './listing-queries.js';
import { openIndex } from './open-index.js';

/** Asks how a statement would be answered, in place of asking it. */
class ExplainingStatements extends Statements {
  readonly plans: string[][] = [];

  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- as the method that it stands for
  override get<Row>(sql: string, ...bind: unknown[]): Row | undefined {
    const plan = super.all<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`, ...bind);
    this.plans.push(plan.map(({ detail }) => detail));
    return super.get(sql, ...bind);
  }
}

describe(ListingQueries, () => {
  const lens = parseLensName('front');
  const range = { startMs: 1_000, endMs: 2_000 };

  it.each([
    [
      'a range of segments',
      (queries: ListingQueries) => queries.segments(lens, range, 10),
      'SEARCH segment USING PRIMARY KEY (lens_id=? AND start_ms>? AND start_ms<?)',
    ],
    [
      'segments behind a place',
      (queries: ListingQueries) => queries.segments(lens, range, 10, { startMs: 1_500, runOrder: 1, seq: 3 }),
      /^SEARCH segment USING PRIMARY KEY \(lens_id=\? AND .*start_ms.*>.*start_ms<\?\)$/,
    ],
    [
      'what was deleted',
      (queries: ListingQueries) => queries.deleted(lens, range, 10),
      'SEARCH tombstone USING INDEX tombstone_time (lens_id=? AND start_ms>? AND start_ms<?)',
    ],
  ])('finds %s by one stretch of one index, in its order', async (_, ask, expected) => {
    await using place = await Place.make();
    const database = openIndex(place.indexPath);
    try {
      const statements = new ExplainingStatements(database);
      ask(new ListingQueries(statements));
      const [plan] = statements.plans;
      expect(plan).toContainEqual(expected instanceof RegExp ? expect.stringMatching(expected) : expected);
      expect(plan!.filter((detail) => /SCAN (?!\(subquery)|TEMP B-TREE/.test(detail))).toEqual([]);
    } finally {
      database.close();
    }
  });
});
