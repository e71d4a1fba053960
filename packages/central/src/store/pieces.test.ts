import { Statements } from '@gapless/shared/sqlite';
import BetterSqlite3 from 'better-sqlite3';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PieceSource } from './pieces.js';
import { missingBytes, PieceWriter } from './pieces.js';
import { storeSchema } from './schema.js';

const SIZE = 40;

const aPiece = fc
  .tuple(fc.nat(SIZE - 1), fc.nat(SIZE - 1), fc.constantFrom<PieceSource>('live', 'fetched'))
  .map(([a, b, source]) => ({ source, from: Math.min(a, b), to: Math.max(a, b) + 1 }));

describe(PieceWriter, () => {
  let database: BetterSqlite3.Database;
  let pieces: PieceWriter;
  beforeAll(() => {
    database = new BetterSqlite3(':memory:');
    database.exec(storeSchema.latest);
    database.pragma('foreign_keys = OFF');
    pieces = new PieceWriter(new Statements(database));
  });
  afterAll(() => database.close());

  it('remembers each byte with the source that it came from first, in as few rows as can be', () => {
    fc.assert(
      fc.property(fc.array(aPiece, { maxLength: 14 }), (arrivals) => {
        pieces.clear(1);
        const model: (PieceSource | undefined)[] = new Array<undefined>(SIZE).fill(undefined);
        for (const piece of arrivals) {
          pieces.add(1, piece);
          for (let byte = piece.from; byte < piece.to; byte++) model[byte] ??= piece.source;
        }
        const stored = pieces.of(1);
        const found: (PieceSource | undefined)[] = new Array<undefined>(SIZE).fill(undefined);
        stored.forEach(({ source, from, to }, i) => {
          const before = stored[i - 1];
          expect(to).toBeGreaterThan(from);
          if (before) {
            expect(from).toBeGreaterThanOrEqual(before.to);
            expect(from === before.to && source === before.source).toBe(false);
          }
          found.fill(source, from, to);
        });
        expect(found).toEqual(model);
        const missing = new Array<boolean>(SIZE).fill(false);
        for (const { from, to } of missingBytes(stored, SIZE)) missing.fill(true, from, to);
        expect(missing).toEqual(model.map((source) => source === undefined));
      }),
      { numRuns: 2_000 },
    );
  });

  it('keeps objects apart', () => {
    pieces.clear(1);
    pieces.add(1, { source: 'live', from: 0, to: 10 });
    pieces.add(2, { source: 'live', from: 10, to: 20 });
    expect(pieces.of(1)).toEqual([{ source: 'live', from: 0, to: 10 }]);
  });
});

describe(missingBytes, () => {
  it('names the holes between the pieces and before the end', () => {
    expect(
      missingBytes(
        [
          { from: 5, to: 10 },
          { from: 20, to: 25 },
        ],
        30,
      ),
    ).toEqual([
      { from: 0, to: 5 },
      { from: 10, to: 20 },
      { from: 25, to: 30 },
    ]);
    expect(missingBytes([], 3)).toEqual([{ from: 0, to: 3 }]);
    expect(missingBytes([{ from: 0, to: 3 }], 3)).toEqual([]);
  });

  it('asks for nothing beyond the end, where the file turned out shorter than what came', () => {
    expect(missingBytes([{ from: 0, to: 50 }], 30)).toEqual([]);
    expect(missingBytes([{ from: 40, to: 50 }], 30)).toEqual([{ from: 0, to: 30 }]);
  });
});
