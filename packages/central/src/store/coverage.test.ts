import { RangeSet } from '@gapless/shared/interval';
import { Statements } from '@gapless/shared/sqlite';
import BetterSqlite3 from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../../../../test/support/seeded-random.js';
import type { CoverageLayer } from './coverage.js';
import { CoverageWriter } from './coverage.js';
import { storeSchema } from './schema.js';

const LENS = 1;
const seed = Number(process.env['COVERAGE_SEED'] ?? 42);

describe(CoverageWriter, () => {
  let database: BetterSqlite3.Database;
  let coverage: CoverageWriter;
  beforeAll(() => {
    database = new BetterSqlite3(':memory:');
    database.exec(storeSchema.latest);
    database.pragma('foreign_keys = OFF');
    coverage = new CoverageWriter(new Statements(database));
  });
  afterAll(() => database.close());

  const all = (layer: CoverageLayer): RangeSet =>
    coverage.within(LENS, layer, { startMs: 0, endMs: Number.MAX_SAFE_INTEGER });

  it('does over thousands of additions and removals what a range set does, in normal form', () => {
    const random = seededRandom(seed);
    const below = (most: number): number => Math.floor(random.fraction() * most);
    const layers = ['held', 'live'] as const;
    const models = new Map<string, RangeSet>(layers.map((layer) => [layer, RangeSet.empty]));
    for (let step = 0; step < 6_000; step++) {
      const layer = layers[below(2)]!;
      const model = models.get(layer)!;
      // Short ones that meet each other often, and now and then one over everything.
      const length = 1 + below(random.fraction() < 0.02 ? 3_000 : 25);
      const startMs = below(4_000);
      const change = Array.from({ length: 1 + below(3) }, (_, i) => ({
        startMs: startMs + i * 7,
        endMs: startMs + i * 7 + length,
      }));
      const adds = random.fraction() < 0.55;
      if (adds) coverage.add(LENS, layer, change);
      else coverage.remove(LENS, layer, change);
      const after = adds ? model.union(RangeSet.from(change)) : model.subtract(RangeSet.from(change));
      models.set(layer, after);
      const window = { startMs: below(4_000), endMs: 4_000 + below(3_000) };
      expect(coverage.within(LENS, layer, window).ranges, `seed ${seed}, step ${step}`).toEqual(
        after.within(window).ranges,
      );
      expect(coverage.hull(LENS, layer)).toEqual(after.hull);
      if (step % 100 > 0) continue;
      const rows = database
        .prepare(
          'SELECT start_ms AS startMs, end_ms AS endMs FROM coverage WHERE layer = ? ORDER BY start_ms',
        )
        .all(layer);
      expect(rows).toEqual(after.ranges);
    }
  });

  it('keeps lenses and layers apart', () => {
    coverage.clear(LENS, 'held');
    coverage.add(2, 'held', [{ startMs: 0, endMs: 100 }]);
    coverage.add(LENS, 'lost:evicted', [{ startMs: 50, endMs: 60 }]);
    expect(all('held').isEmpty).toBe(true);
    expect(all('lost:evicted').totalMs).toBe(10);
    coverage.clear(2, 'held');
    expect(coverage.hull(2, 'held')).toBeUndefined();
  });

  it('makes one row of a year of segments', () => {
    for (let i = 0; i < 10_000; i++)
      coverage.add(3, 'held', [{ startMs: i * 10_000, endMs: (i + 1) * 10_000 }]);
    expect(database.prepare('SELECT count(*) FROM coverage WHERE lens_id = 3').pluck().get()).toBe(1);
  });

  it('reads a window by the index alone, whatever else is stored', () => {
    const statements: string[] = [];
    const spy = new CoverageWriter({
      all: (sql: string) => (statements.push(sql), []),
      get: (sql: string) => (statements.push(sql), undefined),
      run: () => 0,
    } as unknown as Statements);
    spy.within(LENS, 'held', { startMs: 10, endMs: 20 });
    spy.hull(LENS, 'held');
    for (const sql of statements) {
      const bind = { lensId: 1, layer: 'held', startMs: 10, endMs: 20 };
      const steps = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(bind) as { detail: string }[];
      const reads = steps.map(({ detail }) => detail).filter((detail) => /coverage/.test(detail));
      expect(reads.length).toBeGreaterThan(0);
      // By lens, layer and, where a window is asked for, both ends of start_ms; never a scan, never a sort.
      for (const detail of reads)
        expect(detail).toMatch(/^SEARCH coverage USING PRIMARY KEY \(lens_id=\? AND layer=\?/);
      expect(steps.map(({ detail }) => detail).join()).not.toMatch(/SCAN coverage|TEMP B-TREE/);
    }
    expect(
      (
        database
          .prepare(`EXPLAIN QUERY PLAN ${statements[0]!}`)
          .all({ lensId: 1, layer: 'held', startMs: 1, endMs: 2 }) as {
          detail: string;
        }[]
      )[0]!.detail,
    ).toContain('start_ms>? AND start_ms<?');
  });

  it('answers for a window among 300,000 ranges within a millisecond', () => {
    const insert = database.prepare('INSERT INTO coverage VALUES (9, ?, ?, ?)');
    database.transaction(() => {
      for (let i = 0; i < 300_000; i++) insert.run('held', i * 100, i * 100 + 60);
    })();
    const startedMs = performance.now();
    for (let i = 0; i < 1_000; i++)
      coverage.within(9, 'held', { startMs: i * 20_000, endMs: i * 20_000 + 1_000 });
    expect((performance.now() - startedMs) / 1_000).toBeLessThan(1);
  });
});
