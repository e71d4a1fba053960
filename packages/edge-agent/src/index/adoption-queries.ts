import type { LensName, SegmentRef } from '@gapless/shared/ids';
import { parseLensName, parseRunId } from '@gapless/shared/ids';
import type { Statements } from '@gapless/shared/sqlite';
import type { AdoptedFileRecord, AdoptedState } from './rows.js';

interface Columns {
  id: number;
  directory: string;
  name: string;
  size_bytes: number;
  modified_ms: number;
  state: string;
  detail: string | null;
  facts: string | null;
}

const SELECT = `SELECT f.id, f.directory, f.name, f.size_bytes, f.modified_ms, f.state, f.detail, f.facts FROM adopted_file f
  WHERE f.lens_id = (SELECT id FROM lens WHERE name = ?)`;

/** What has become of the files of other recorders. */
export class AdoptionQueries {
  readonly #statements: Statements;

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  /** The files of a directory that were looked into, by name. */
  ofDirectory(lens: LensName, directory: string): AdoptedFileRecord[] {
    return this.#statements
      .all<Columns>(`${SELECT} AND f.directory = ? ORDER BY f.name`, lens, directory)
      .map((row) => record(lens, row));
  }

  /** The directories in which files were looked into. */
  directories(lens: LensName): string[] {
    return this.#statements
      .all<{ directory: string }>(
        'SELECT DISTINCT directory FROM adopted_file WHERE lens_id = (SELECT id FROM lens WHERE name = ?)',
        lens,
      )
      .map(({ directory }) => directory);
  }

  /** Files in the order of their places, after one. */
  page(
    lens: LensName,
    after: Pick<AdoptedFileRecord, 'directory' | 'name'>,
    limit: number,
  ): AdoptedFileRecord[] {
    const sql = `${SELECT} AND (f.directory, f.name) > (?, ?) ORDER BY f.directory, f.name LIMIT ?`;
    return this.#statements
      .all<Columns>(sql, lens, after.directory, after.name, limit)
      .map((row) => record(lens, row));
  }

  /** The segments that are made of a file's media. */
  segmentsOf(id: number): SegmentRef[] {
    return this.#statements
      .all<{ lens: string; run: string; seq: number }>(
        `SELECT l.name AS lens, r.name AS run, s.seq FROM segment s JOIN run r ON r.id = s.run_id
           JOIN lens l ON l.id = s.lens_id WHERE s.adopted_file = ? ORDER BY s.run_id, s.seq`,
        id,
      )
      .map(({ lens, run, seq }) => ({ lens: parseLensName(lens), run: parseRunId(run), seq }));
  }
}

function record(lens: LensName, row: Columns): AdoptedFileRecord {
  return {
    id: row.id,
    lens,
    directory: row.directory,
    name: row.name,
    sizeBytes: row.size_bytes,
    modifiedMs: row.modified_ms,
    state: row.state as AdoptedState,
    detail: row.detail ?? undefined,
    facts: row.facts === null ? undefined : (JSON.parse(row.facts) as AdoptedFileRecord['facts']),
  };
}
