import type { LensName } from '@gapless/shared/ids';
import { parseRunId } from '@gapless/shared/ids';
import type { Statements } from '@gapless/shared/sqlite';
import type { EpochMs } from '@gapless/shared/time';
import { DAY_MS, utcDay } from '@gapless/shared/time';
import type { Day } from './paths.js';
import { dayOfRun, dayStartMs } from './paths.js';

/** What the index still says of a lens's day. */
export interface DayFacts {
  /** Segments that lie in the directory of the day. */
  readonly segments: number;
  /** Segments of runs that began on the day, wherever they lie. */
  readonly segmentsOfRuns: number;
  /** Runs that began on the day and have not ended. */
  readonly openRuns: number;
  /** Tombstones whose file is still to be removed. */
  readonly filesLeft: number;
  /** When the last of the day's segments was deleted, or the last of its runs or absences ended; 0 for none of them. */
  readonly newestMs: EpochMs;
  /** The newest change of any row of the day; 0 when there is none. */
  readonly changeSeq: number;
}

const LENS = '(SELECT id FROM lens WHERE name = @lens)';
const IN_DAY = (column: string): string => `${column} >= @fromMs AND ${column} < @toMs`;
const RUNS = `SELECT id FROM run WHERE lens_id = ${LENS} AND name >= @prefix AND name < @prefix || 'U'`;

/** Questions about everything that a lens has under one day; its directory's journal repeats just that. */
export class DayQueries {
  readonly #statements: Statements;

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  /** Days of which the index says anything that stands in the journal, in order. */
  ofLens(lens: LensName): Day[] {
    const starts = this.#statements.all<{ day: number }>(
      `SELECT DISTINCT day FROM (
         SELECT file_start_ms / ${DAY_MS} AS day FROM tombstone WHERE lens_id = ${LENS}
         UNION SELECT start_ms / ${DAY_MS} FROM absence WHERE lens_id = ${LENS}) ORDER BY day`,
      { lens },
    );
    const runs = this.#statements.all<{ name: string }>(
      `SELECT min(name) AS name FROM run WHERE lens_id = ${LENS} GROUP BY substr(name, 1, 8)`,
      { lens },
    );
    const days = [
      ...starts.map(({ day }) => utcDay(day * DAY_MS)),
      ...runs.map(({ name }) => dayOfRun(parseRunId(name))),
    ];
    return [...new Set(days)].sort();
  }

  facts(lens: LensName, day: Day): DayFacts {
    const sql = `SELECT
      (SELECT count(*) FROM segment WHERE lens_id = ${LENS} AND ${IN_DAY('file_start_ms')}) AS segments,
      (SELECT count(*) FROM segment WHERE run_id IN (${RUNS})) AS segmentsOfRuns,
      (SELECT count(*) FROM run WHERE id IN (${RUNS}) AND end_ms IS NULL) AS openRuns,
      (SELECT count(*) FROM tombstone WHERE lens_id = ${LENS} AND ${IN_DAY('file_start_ms')} AND file_gone = 0) AS filesLeft,
      max(
        (SELECT coalesce(max(deleted_ms), 0) FROM tombstone WHERE lens_id = ${LENS} AND ${IN_DAY('file_start_ms')}),
        (SELECT coalesce(max(deleted_ms), 0) FROM tombstone WHERE run_id IN (${RUNS})),
        (SELECT coalesce(max(end_ms), 0) FROM run WHERE id IN (${RUNS})),
        (SELECT coalesce(max(end_ms), 0) FROM absence WHERE lens_id = ${LENS} AND ${IN_DAY('start_ms')})) AS newestMs,
      max(
        (SELECT coalesce(max(change_seq), 0) FROM tombstone WHERE lens_id = ${LENS} AND ${IN_DAY('file_start_ms')}),
        (SELECT coalesce(max(change_seq), 0) FROM tombstone WHERE run_id IN (${RUNS})),
        (SELECT coalesce(max(change_seq), 0) FROM run WHERE id IN (${RUNS})),
        (SELECT coalesce(max(change_seq), 0) FROM absence WHERE lens_id = ${LENS} AND ${IN_DAY('start_ms')})) AS changeSeq`;
    return this.#statements.get<DayFacts>(sql, bounds(lens, day))!;
  }
}

/** Named values by which rows of a day are found. */
export function bounds(lens: LensName, day: Day): Record<string, unknown> {
  const fromMs = dayStartMs(day)!;
  return { lens, prefix: day.replaceAll('-', ''), fromMs, toMs: fromMs + DAY_MS };
}

/** Statements that delete everything of a day, and what later days still say of its runs; bound to {@link bounds}. */
export const forgetDay = [
  `DELETE FROM tombstone WHERE run_id IN (${RUNS})`,
  `DELETE FROM tombstone WHERE lens_id = ${LENS} AND ${IN_DAY('file_start_ms')}`,
  `DELETE FROM absence WHERE lens_id = ${LENS} AND ${IN_DAY('start_ms')}`,
  `DELETE FROM run WHERE id IN (${RUNS})`,
];
