// Questions to the vehicle's index with ten million segments in it: what a day of one lens costs, and the same rows as SQLite
// gives them one by one. In-process, as the agent asks.
import { join } from 'node:path';
import { getSegments } from '@gapless/edge-agent/query/index';
import { IndexReader, openIndex } from '@gapless/edge-agent/index/index';
import type { LensName } from '@gapless/shared/ids';
import { parseLensName } from '@gapless/shared/ids';
import type { Range } from '@gapless/shared/interval';
import type { Database } from '@gapless/shared/sqlite';
import type { Report } from './support/report.js';
import { print } from './support/report.js';
import { inScratch } from './support/scratch.js';
import { median, quantile } from './support/statistics.js';

const SEGMENTS = 10_000_000;
const LENSES = 4;
const SEGMENT_MS = 10_000;
const FIRST_MS = Date.UTC(2025, 0, 1);
const DAY_MS = 86_400_000;
const QUESTIONS = 60;

async function measure(dir: string): Promise<Report> {
  const database = openIndex(join(dir, 'index.sqlite'));
  try {
    fill(database);
    return ask(database);
  } finally {
    database.close();
  }
}

/** A box that has recorded without a rest: its indexes are made at the end, which is faster by far. */
function fill(database: Database): void {
  const extras = database
    .prepare<[], { type: string; name: string; sql: string }>(
      "SELECT type, name, sql FROM sqlite_master WHERE tbl_name = 'segment' AND type <> 'table' AND sql IS NOT NULL",
    )
    .all();
  for (const { type, name } of extras) database.exec(`DROP ${type} ${name}`);
  for (let lens = 1; lens <= LENSES; lens++) {
    database.exec(`
      INSERT INTO lens (id, name) VALUES (${lens}, 'lens-${lens}');
      INSERT INTO run (id, lens_id, name, boot_id, monotonic_ms, clock_trusted, start_ms, codecs, change_seq)
        VALUES (${lens}, ${lens}, '20250101T000000000Z-00000${lens}', 'b', 0, 1, ${FIRST_MS}, '["avc1.64001f"]', ${lens})`);
    database.exec(`
      WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${SEGMENTS / LENSES - 1})
      INSERT INTO segment (lens_id, start_ms, run_id, seq, end_ms, file_start_ms, size_bytes, sha256, first_fragment,
          fragment_count, fragments, receipted, change_seq)
        SELECT ${lens}, ${FIRST_MS} + i * ${SEGMENT_MS}, ${lens}, i % 1000000, ${FIRST_MS} + (i + 1) * ${SEGMENT_MS},
          ${FIRST_MS} + i * ${SEGMENT_MS}, 5000000, randomblob(32), i * 10, 10, randomblob(80), i % 2,
          ${LENSES} + i * ${LENSES} + ${lens} FROM n`);
  }
  for (const { sql, name } of extras) {
    // A run has no million of segments; here a lens has one, so that there need be no more runs than lenses.
    if (name !== 'segment_identity') database.exec(sql);
  }
}

function ask(database: Database): Report {
  const reader = new IndexReader(database);
  const port = { reader, lensNow: () => undefined, nowMs: () => FIRST_MS + 400 * DAY_MS };
  const rowByRow = database.prepare(
    `SELECT start_ms, end_ms, run_id, seq, size_bytes, sha256, receipted, holes FROM segment
      WHERE lens_id = ? AND start_ms > ? - 600000 AND start_ms < ? AND end_ms > ? ORDER BY start_ms, run_id, seq`,
  );
  const days = (SEGMENTS / LENSES) * (SEGMENT_MS / DAY_MS);
  const taken = { first: [] as number[], day: [] as number[], hour: [] as number[], rows: [] as number[] };
  for (let question = 0; question < QUESTIONS; question++) {
    const id = 1 + (question % LENSES);
    const lens = parseLensName(`lens-${id}`);
    const startMs = FIRST_MS + Math.floor((days - 2) * ((question * 0.618) % 1)) * DAY_MS;
    const day = { startMs, endMs: startMs + DAY_MS };
    taken.first.push(timed(() => requireAll(port, lens, day)));
    taken.day.push(timed(() => requireAll(port, lens, day)));
    taken.hour.push(timed(() => requireAll(port, lens, { startMs, endMs: startMs + DAY_MS / 24 })));
    taken.rows.push(timed(() => rowByRow.all(id, day.startMs, day.endMs, day.startMs)));
  }
  return {
    setting: `${SEGMENTS / 1e6} million segments of ${LENSES} lenses; ${QUESTIONS} questions, each of another day.`,
    rows: [
      {
        ...{ measure: 'a day of one lens, 8,640 segments, median', unit: 'ms', gapless: median(taken.day) },
        beside: [{ name: 'the rows alone, one by one', value: median(taken.rows) }],
        aim: { atMost: 5 },
      },
      { measure: 'the same, 95 of 100 below', unit: 'ms', gapless: quantile(taken.day, 0.95) },
      { measure: 'the same, least disturbed', unit: 'ms', gapless: quantile(taken.day, 0) },
      { measure: 'the same, asked for the first time', unit: 'ms', gapless: median(taken.first) },
      { measure: 'an hour of one lens, median', unit: 'ms', gapless: median(taken.hour) },
    ],
  };
}

/** Correctness is checked in the same run: all the segments, whole coverage, no gap. */
function requireAll(port: Parameters<typeof getSegments>[0], lens: LensName, range: Range): void {
  const { segments, coverage, gaps } = getSegments(port, { lens, range, limit: 10_000 });
  const lengthMs = range.endMs - range.startMs;
  if (segments.length !== lengthMs / SEGMENT_MS || coverage.totalMs !== lengthMs || gaps.length > 0)
    throw new Error(`${segments.length} segments and ${coverage.totalMs} ms of ${lengthMs} ms`);
}

function timed(work: () => unknown): number {
  const startedMs = performance.now();
  work();
  return performance.now() - startedMs;
}

print('queries', await inScratch(measure));
