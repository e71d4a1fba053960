import type { Database } from '@gapless/shared/sqlite';
import { Statements } from '@gapless/shared/sqlite';
import type { PlacedRun } from './run-order-plan.js';
import { numberRuns } from './run-order-plan.js';

/**
 * Fills the tables of a new index from what was staged. What stands in a journal gets the first change sequences, so
 * that the next start of the agent knows how far the journal reaches.
 *
 * @param stoppedMs when the agent stopped in an orderly way, if that is known
 */
export function fillIndex(database: Database, stoppedMs: number | undefined): void {
  const statements = new Statements(database);
  database.transaction(() => {
    numberStagedRuns(statements);
    let seq = 0;
    for (const sql of [
      insertRuns('NOT NULL'),
      insertTombstones('r.place IS NOT NULL AND t.noted = 1'),
      ABSENCES,
    ])
      seq += statements.run(sql, seq);
    setMeta(statements, 'journal_seq', seq);
    // What no journal knows comes behind that, so that the agent notes it when it starts.
    const others = insertTombstones('r.place IS NULL OR t.noted = 0');
    statements.run(ADOPTED_FILES);
    for (const sql of [insertRuns('NULL'), others, SEGMENTS]) seq += statements.run(sql, seq);
    statements.run(PROTECTIONS);
    setMeta(statements, 'change_seq', seq);
    if (stoppedMs !== undefined) setMeta(statements, 'stopped_ms', stoppedMs);
  })();
}

function numberStagedRuns(statements: Statements): void {
  // Places are kept as REAL; there are no fractions in a journal.
  const runs = statements
    .all<Omit<PlacedRun, 'place'> & { place: number | null }>(
      'SELECT lens_id AS lensId, name, start_ms AS startMs, place FROM staged_run',
    )
    .map((run) => ({ ...run, place: run.place ?? undefined }));
  for (const { id, lensId, name } of numberRuns(runs))
    statements.run('UPDATE staged_run SET id = ? WHERE lens_id = ? AND name = ?', id, lensId, name);
}

const insertRuns = (which: string): string => `
  INSERT INTO run (id, lens_id, name, boot_id, monotonic_ms, clock_trusted, start_ms, end_ms, end_reason, codecs, width,
    height, change_seq)
  SELECT id, lens_id, name, boot_id, monotonic_ms, clock_trusted, start_ms, end_ms, end_reason, codecs, width, height,
    ? + row_number() OVER (ORDER BY id) FROM staged_run WHERE place IS ${which}`;

// Tombstones of runs that nothing knows any more were forgotten with them.
const insertTombstones = (which: string): string => `
  INSERT INTO tombstone (run_id, seq, lens_id, start_ms, end_ms, size_bytes, sha256, deleted_ms, reason, change_seq,
    file_start_ms, file_gone)
  SELECT r.id, t.seq, t.lens_id, t.start_ms, t.end_ms, t.size_bytes, t.sha256, t.deleted_ms, t.reason,
    ? + row_number() OVER (ORDER BY t.deleted_ms, r.id, t.seq), t.file_start_ms, t.file_gone
  FROM staged_tombstone t JOIN staged_run r ON r.lens_id = t.lens_id AND r.name = t.run WHERE ${which}`;

const ABSENCES = `
  INSERT INTO absence (lens_id, start_ms, end_ms, reason, detail, change_seq)
  SELECT lens_id, start_ms, end_ms, reason, detail, ? + row_number() OVER (ORDER BY end_ms, lens_id)
  FROM staged_absence`;

const PROTECTIONS = `
  INSERT INTO protection (lens_id, holder, start_ms, end_ms, reason, made_ms, expires_ms)
  SELECT lens_id, holder, start_ms, end_ms, reason, made_ms, expires_ms FROM staged_protection`;

// What else was found in them, and which of them hold nothing, the next look tells.
const ADOPTED_FILES = `
  INSERT INTO adopted_file (lens_id, directory, name, size_bytes, modified_ms, state)
  SELECT lens_id, source_directory, source_name, max(source_bytes), max(source_modified_ms), 'adopted'
  FROM staged_segment WHERE source_name IS NOT NULL GROUP BY lens_id, source_directory, source_name`;

const SEGMENTS = `
  INSERT INTO segment (lens_id, start_ms, run_id, seq, end_ms, file_start_ms, size_bytes, sha256, first_fragment,
    fragment_count, fragments, holes, receipted, change_seq, adopted_file)
  SELECT s.lens_id, s.start_ms, r.id, s.seq, s.end_ms, s.file_start_ms, s.size_bytes, s.sha256, s.first_fragment,
    s.fragment_count, s.fragments, s.holes,
    EXISTS (SELECT 1 FROM staged_receipt x
      WHERE x.lens_id = s.lens_id AND x.run = s.run AND x.seq = s.seq AND x.sha256 = s.sha256),
    ? + row_number() OVER (ORDER BY r.id, s.seq),
    (SELECT f.id FROM adopted_file f
      WHERE f.lens_id = s.lens_id AND f.directory = s.source_directory AND f.name = s.source_name)
  FROM staged_segment s JOIN staged_run r ON r.lens_id = s.lens_id AND r.name = s.run`;

function setMeta(statements: Statements, key: string, value: number): void {
  statements.run(
    'INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
    key,
    String(value),
  );
}
