import type { LensName, RunId } from '@gapless/shared/ids';
import { parseLensName, parseRunId } from '@gapless/shared/ids';
import type { RunEndReason } from '@gapless/shared/protocol';
import type { Statements } from '@gapless/shared/sqlite';
import type { EpochMs } from '@gapless/shared/time';
import type { Day } from './paths.js';
import type { Changed, RunRecord } from './rows.js';

interface Columns {
  id: number;
  lens: string;
  run: string;
  boot_id: string;
  monotonic_ms: number;
  clock_trusted: number;
  start_ms: number;
  end_ms: number | null;
  end_reason: string | null;
  codecs: string;
  width: number | null;
  height: number | null;
  change_seq: number;
}

const SELECT = `SELECT r.id, l.name AS lens, r.name AS run, r.boot_id, r.monotonic_ms, r.clock_trusted, r.start_ms, r.end_ms,
  r.end_reason, r.codecs, r.width, r.height, r.change_seq FROM run r JOIN lens l ON l.id = r.lens_id`;

const RUN_ID = 'SELECT r.id FROM run r JOIN lens l ON l.id = r.lens_id WHERE l.name = ? AND r.name = ?';

export class RunQueries {
  readonly #statements: Statements;

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  get(lens: LensName, run: RunId): RunRecord | undefined {
    const row = this.#statements.get<Columns>(`${SELECT} WHERE l.name = ? AND r.name = ?`, lens, run);
    return row && record(row);
  }

  /** The run with that place among the runs of the box. */
  byOrder(order: number): RunRecord | undefined {
    const row = this.#statements.get<Columns>(`${SELECT} WHERE r.id = ?`, order);
    return row && record(row);
  }

  /** Runs that nothing has ended: those being recorded, or what a crash left. */
  open(): RunRecord[] {
    return this.#statements.all<Columns>(`${SELECT} WHERE r.end_ms IS NULL ORDER BY r.id`).map(record);
  }

  /** The run of a lens that began last. */
  last(lens: LensName): RunRecord | undefined {
    const row = this.#statements.get<Columns>(`${SELECT} WHERE l.name = ? ORDER BY r.id DESC LIMIT 1`, lens);
    return row && record(row);
  }

  /** Where the last of a run's segments ends, those that are deleted included; undefined if it had none. */
  lastEndMs(lens: LensName, run: RunId): EpochMs | undefined {
    const row = this.#statements.get<{ end_ms: number }>(
      `SELECT end_ms FROM (
         SELECT s.seq, s.end_ms FROM segment s WHERE s.run_id = (${RUN_ID})
         UNION ALL SELECT t.seq, t.end_ms FROM tombstone t WHERE t.run_id = (${RUN_ID}))
       ORDER BY seq DESC LIMIT 1`,
      lens,
      run,
      lens,
      run,
    );
    return row?.end_ms;
  }

  /** Runs of a lens in the order in which they began, after the one with the place `afterOrder`. */
  ofLens(lens: LensName, afterOrder: number, limit: number): Changed<RunRecord>[] {
    return this.#statements
      .all<Columns>(`${SELECT} WHERE l.name = ? AND r.id > ? ORDER BY r.id LIMIT ?`, lens, afterOrder, limit)
      .map((row) => ({ seq: row.change_seq, row: record(row) }));
  }

  /** Runs of a lens that began on a day, by their ids. */
  ofDay(lens: LensName, day: Day): Changed<RunRecord>[] {
    const prefix = day.replaceAll('-', '');
    return this.#statements
      .all<Columns>(`${SELECT} WHERE l.name = ? AND r.name >= ? AND r.name < ? || 'U'`, lens, prefix, prefix)
      .map((row) => ({ seq: row.change_seq, row: record(row) }));
  }

  changedAfter(seq: number, limit: number): Changed<RunRecord>[] {
    return this.#statements
      .all<Columns>(`${SELECT} WHERE r.change_seq > ? ORDER BY r.change_seq LIMIT ?`, seq, limit)
      .map((row) => ({ seq: row.change_seq, row: record(row) }));
  }
}

function record(row: Columns): RunRecord {
  return {
    order: row.id,
    lens: parseLensName(row.lens),
    run: parseRunId(row.run),
    bootId: row.boot_id,
    monotonicMs: row.monotonic_ms,
    clockTrusted: row.clock_trusted === 1,
    startMs: row.start_ms,
    endMs: row.end_ms ?? undefined,
    endReason: (row.end_reason ?? undefined) as RunEndReason | undefined,
    codecs: JSON.parse(row.codecs) as string[],
    width: row.width ?? undefined,
    height: row.height ?? undefined,
  };
}
