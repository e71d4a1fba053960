import { parseLensName } from '@gapless/shared/ids';
import type { CheckPort } from './check-port.js';
import { REMEDIES } from './finding.js';

/**
 * The invariants that are about the database alone: its own integrity, the change sequence, the sums and open
 * runs. Each is one statement or one transaction, so it holds whether or not an agent writes meanwhile.
 */
export function checkTables(port: CheckPort): void {
  checkIntegrity(port);
  checkChangeSequence(port);
  checkLensBytes(port);
  checkOpenRuns(port);
}

const MAX_PROBLEMS = 100;

function checkIntegrity({ database, report }: CheckPort): void {
  const problems = database.pragma(`integrity_check(${MAX_PROBLEMS})`) as { integrity_check: string }[];
  for (const { integrity_check: problem } of problems) {
    if (problem === 'ok') continue;
    report({ invariant: 'database', severity: 'error', detail: problem, remedy: REMEDIES.rebuild });
  }
  const dangling = database.pragma('foreign_key_check') as { table: string; parent: string }[];
  for (const { table, parent } of dangling.slice(0, MAX_PROBLEMS)) {
    const detail = `a row of ${table} refers to a row of ${parent} that is not there`;
    report({ invariant: 'database', severity: 'error', detail, remedy: REMEDIES.rebuild });
  }
}

const ALL_CHANGES = ['run', 'segment', 'tombstone', 'absence']
  .map((table) => `SELECT change_seq FROM ${table}`)
  .join(' UNION ALL ');

function checkChangeSequence({ statements, report }: CheckPort): void {
  const rows = statements.all<{ change_seq: number; times: number; counter: number }>(
    `SELECT change_seq, count(*) AS times,
       (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'change_seq') AS counter
     FROM (${ALL_CHANGES}) GROUP BY change_seq HAVING times > 1 OR change_seq > counter LIMIT ?`,
    MAX_PROBLEMS,
  );
  for (const { change_seq: seq, times, counter } of rows) {
    const detail =
      times > 1
        ? `${times} rows have the change sequence ${seq}`
        : `a row has the change sequence ${seq}, and the counter stands at ${counter}`;
    report({ invariant: 'change-sequence', severity: 'error', detail, remedy: REMEDIES.rebuild });
  }
}

function checkLensBytes({ statements, report }: CheckPort): void {
  const sums = { bytes: '1', protected_bytes: 'protected', spare_bytes: 'receipted AND NOT protected' };
  for (const [column, which] of Object.entries(sums)) checkLensSum(column, which);

  function checkLensSum(column: string, which: string): void {
    const rows = statements.all<{ name: string; noted: number; total: number }>(
      `SELECT name, ${column} AS noted, (SELECT coalesce(sum(size_bytes), 0) FROM segment
         WHERE lens_id = lens.id AND adopted_file IS NULL AND (${which})) AS total
       FROM lens WHERE noted <> total`,
    );
    for (const { name, noted, total } of rows) reportSum(name, column, { noted, total });
  }

  function reportSum(name: string, column: string, found: { noted: number; total: number }): void {
    report({
      invariant: 'lens-bytes',
      severity: 'error',
      lens: parseLensName(name),
      detail: `the lens is said to have ${found.noted} (${column}), its segments have ${found.total}`,
      remedy: REMEDIES.rebuild,
    });
  }
}

function checkOpenRuns({ statements, report }: CheckPort): void {
  const rows = statements.all<{ lens: string; run: string }>(
    `SELECT l.name AS lens, r.name AS run FROM run r JOIN lens l ON l.id = r.lens_id
     WHERE r.end_ms IS NULL AND EXISTS (SELECT 1 FROM run x WHERE x.lens_id = r.lens_id AND x.id > r.id) LIMIT ?`,
    MAX_PROBLEMS,
  );
  for (const { lens, run } of rows) {
    report({
      invariant: 'open-runs',
      severity: 'warning',
      lens: parseLensName(lens),
      detail: `the run ${run} has no end, although a later one began`,
      remedy: REMEDIES.restart,
    });
  }
}
