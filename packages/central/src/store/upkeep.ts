import type { RangeSet } from '@gapless/shared/interval';
import type { Statements } from '@gapless/shared/sqlite';
import type { CoverageLayer } from './coverage.js';
import type { StoredObject } from './objects.js';

/** A stored range of a layer as it stands in the table, in normal form or not. */
export interface StoredRange {
  readonly layer: string;
  readonly startMs: number;
  readonly endMs: number;
}

/** A row that contradicts another one. */
export interface Stray {
  readonly id: string;
  readonly why: string;
}

/** A row of the quarantine table, for finding its file. */
export interface QuarantineRow {
  readonly id: number;
  readonly path: string;
}

/** Looks at the tables as they are and not as they should be: for `check` alone. */
export class UpkeepReader {
  protected readonly statements: Statements;

  constructor(statements: Statements) {
    this.statements = statements;
  }

  /** All ranges of a lens, layer by layer in order of time. */
  ranges(lensId: number): StoredRange[] {
    const sql = `SELECT layer, start_ms AS startMs, end_ms AS endMs FROM coverage WHERE lens_id = ? ORDER BY layer, start_ms`;
    return this.statements.all(sql, lensId);
  }

  /** Sum of the sizes of a lens's verified objects. */
  storedBytes(lensId: number): number {
    const sql = `SELECT coalesce(sum(size_bytes), 0) AS n FROM object WHERE lens_id = ? AND state = 'verified'`;
    return this.statements.get<{ n: number }>(sql, lensId)!.n;
  }

  /** Transfers whose request has ended, or whose object is not being put together. */
  strayTransfers(): Stray[] {
    const sql = `SELECT t.id, r.finished_ms AS finishedMs FROM transfer t JOIN request r ON r.id = t.request_id
      JOIN object o ON o.id = t.object_id WHERE r.finished_ms IS NOT NULL OR o.state <> 'receiving'`;
    return this.statements.all<{ id: string; finishedMs: number | null }>(sql).map(({ id, finishedMs }) => ({
      id,
      why: finishedMs === null ? 'is of an object that is verified' : 'is of a request that has ended',
    }));
  }

  /** Objects whose receipt is not the vehicle's to give, was given twice, or is of something not verified. */
  strayReceipts(): Stray[] {
    const sql = `SELECT o.id, o.state, o.receipt_seq AS seq, v.receipt_seq AS newest,
        count(*) OVER (PARTITION BY v.id, o.receipt_seq) AS times
      FROM object o JOIN lens l ON l.id = o.lens_id JOIN vehicle v ON v.id = l.vehicle_id WHERE o.receipt_seq IS NOT NULL`;
    return this.statements
      .all<{ id: number; state: string; seq: number; newest: number; times: number }>(sql)
      .flatMap(({ id, state, seq, newest, times }) => {
        const why =
          state !== 'verified'
            ? 'has a receipt and is not verified'
            : seq > newest
              ? `has the receipt ${seq}, its vehicle has given ${newest}`
              : times > 1
                ? `shares the receipt ${seq} with another`
                : undefined;
        return why === undefined ? [] : [{ id: String(id), why }];
      });
  }

  quarantined(afterId: number, limit: number): QuarantineRow[] {
    return this.statements.all(
      'SELECT id, path FROM quarantine WHERE id > ? ORDER BY id LIMIT ?',
      afterId,
      limit,
    );
  }
}

/** Puts in order what follows from other rows: for `check --repair` alone. */
export class UpkeepWriter extends UpkeepReader {
  /** Writes a layer of a lens anew. */
  setLayer(lensId: number, layer: CoverageLayer, ranges: RangeSet): void {
    this.dropLayer(lensId, layer);
    for (const { startMs, endMs } of ranges)
      this.statements.run('INSERT INTO coverage VALUES (?, ?, ?, ?)', lensId, layer, startMs, endMs);
  }

  dropLayer(lensId: number, layer: string): void {
    this.statements.run('DELETE FROM coverage WHERE lens_id = ? AND layer = ?', lensId, layer);
  }

  countStored(lensId: number): void {
    this.statements.run('UPDATE lens SET stored_bytes = ? WHERE id = ?', this.storedBytes(lensId), lensId);
  }

  /** Gives a receipt a number of its own, or takes it away from what is not verified. */
  renumberReceipt(object: Pick<StoredObject, 'id' | 'lensId' | 'state'>): void {
    if (object.state !== 'verified') {
      this.statements.run('UPDATE object SET receipt_seq = NULL WHERE id = ?', object.id);
      return;
    }
    const { seq } = this.statements.get<{ seq: number }>(
      `UPDATE vehicle SET receipt_seq = 1 + max(receipt_seq, coalesce(
           (SELECT max(o.receipt_seq) FROM object o JOIN lens l ON l.id = o.lens_id WHERE l.vehicle_id = vehicle.id), 0))
         WHERE id = (SELECT vehicle_id FROM lens WHERE id = ?) RETURNING receipt_seq AS seq`,
      object.lensId,
    )!;
    this.statements.run('UPDATE object SET receipt_seq = ? WHERE id = ?', seq, object.id);
  }

  /** The file of a verified object is lost: it is to be put together once more. */
  reopen(objectId: number): void {
    this.statements.run(
      `UPDATE object SET state = 'receiving', path = NULL, fragments = NULL, first_fragment = NULL, fragment_count = NULL,
         verified_ms = NULL, fetched_bytes = 0, receipt_seq = NULL, holes = NULL, failures = 0, age_from_ms = NULL WHERE id = ?`,
      objectId,
    );
  }

  dropQuarantined(id: number): void {
    this.statements.run('DELETE FROM quarantine WHERE id = ?', id);
  }
}
