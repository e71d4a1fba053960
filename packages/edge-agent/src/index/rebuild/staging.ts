import type { LensName, SegmentRef } from '@gapless/shared/ids';
import { fromHex } from '@gapless/shared/ids';
import type { Database } from '@gapless/shared/sqlite';
import { Statements } from '@gapless/shared/sqlite';
import type { JournalEntry } from '../journal/entry.js';
import type { NewRun, SegmentRecord } from '../rows.js';
import { stagingSchema } from './schema.js';

/** Rows that are added in one transaction. */
const TRANSACTION_ROWS = 2_000;

/** Collects what journals and files say, in any order; what is said later replaces what was said earlier. */
export class Staging {
  readonly #database: Database;
  readonly #statements: Statements;
  readonly #lensIds = new Map<LensName, number>();
  #rows = 0;

  constructor(database: Database) {
    this.#database = database;
    database.exec(stagingSchema);
    this.#statements = new Statements(database);
    database.exec('BEGIN');
  }

  /** Takes down a line of the journal of a lens. */
  addEntry(lens: LensName, entry: JournalEntry): void {
    const lensId = this.#lensId(lens);
    switch (entry.kind) {
      case 'run':
        this.#addRun(lensId, entry, { ...entry, place: entry.order });
        return;
      case 'absence':
        this.#put(
          'INSERT OR REPLACE INTO staged_absence VALUES (?, ?, ?, ?, ?)',
          ...[lensId, entry.startMs, entry.endMs, entry.reason, entry.detail ?? null],
        );
        return;
      case 'tombstone':
        this.#put(
          `INSERT OR REPLACE INTO staged_tombstone
             (lens_id, run, seq, start_ms, end_ms, file_start_ms, size_bytes, sha256, deleted_ms, reason)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
          ...[lensId, entry.run, entry.seq, entry.startMs, entry.endMs, entry.fileStartMs],
          ...[entry.sizeBytes, fromHex(entry.sha256, 32), entry.deletedMs, entry.reason],
        );
        return;
      case 'receipt':
        this.#put(
          'INSERT OR IGNORE INTO staged_receipt VALUES (?, ?, ?, ?)',
          ...[lensId, entry.run, entry.seq, fromHex(entry.sha256, 32)],
        );
        return;
    }
  }

  /** Takes down a segment by its file, and its run if no journal knows it. False if there is one of that name already. */
  addSegment(segment: SegmentRecord, run: NewRun): boolean {
    const lensId = this.#lensId(segment.lens);
    const known = this.#statements.get(
      'SELECT 1 FROM staged_run WHERE lens_id = ? AND name = ?',
      lensId,
      segment.run,
    );
    if (!known) this.#addRun(lensId, run, { place: undefined, endMs: undefined, endReason: undefined });
    const added = this.#put(
      'INSERT OR IGNORE INTO staged_segment VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      ...[lensId, segment.run, segment.seq, segment.startMs, segment.endMs, segment.fileStartMs],
      ...[segment.sizeBytes, fromHex(segment.sha256, 32), segment.firstFragment, segment.fragmentCount],
      ...[segment.fragments, segment.holes.length === 0 ? null : JSON.stringify(segment.holes)],
    );
    return added === 1;
  }

  /** Whether a segment was deleted; its file, which is there, is then still to be removed. */
  markFileLeft({ lens, run, seq }: SegmentRef): boolean {
    return (
      this.#put(
        'UPDATE staged_tombstone SET file_gone = 0 WHERE lens_id = ? AND run = ? AND seq = ?',
        ...[this.#lensId(lens), run, seq],
      ) === 1
    );
  }

  /** Everything has been taken down. */
  end(): void {
    this.#database.exec('COMMIT');
  }

  #addRun(
    lensId: number,
    run: Omit<NewRun, 'lens' | 'width' | 'height'> & {
      readonly width?: number | undefined;
      readonly height?: number | undefined;
    },
    more: {
      readonly place: number | undefined;
      readonly endMs?: number | undefined;
      readonly endReason?: string | undefined;
    },
  ): void {
    this.#put(
      'INSERT OR REPLACE INTO staged_run VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)',
      ...[lensId, run.run, more.place ?? null, run.bootId, run.monotonicMs, run.clockTrusted ? 1 : 0],
      ...[run.startMs, more.endMs ?? null, more.endReason ?? null, JSON.stringify(run.codecs)],
      ...[run.width ?? null, run.height ?? null],
    );
  }

  #lensId(lens: LensName): number {
    const known = this.#lensIds.get(lens);
    if (known !== undefined) return known;
    const row = this.#statements.get<{ id: number }>('INSERT INTO lens (name) VALUES (?) RETURNING id', lens);
    this.#lensIds.set(lens, row!.id);
    return row!.id;
  }

  #put(sql: string, ...bind: unknown[]): number {
    const changes = this.#statements.run(sql, ...bind);
    if (++this.#rows % TRANSACTION_ROWS === 0) this.#database.exec('COMMIT; BEGIN');
    return changes;
  }
}
