import { basename, dirname } from 'node:path';
import type { LensName, SegmentRef } from '@gapless/shared/ids';
import { fromHex } from '@gapless/shared/ids';
import type { Database } from '@gapless/shared/sqlite';
import { Statements } from '@gapless/shared/sqlite';
import type { EpochMs } from '@gapless/shared/time';
import type { JournalEntry } from '../journal/entry.js';
import type { NewRun, SegmentRecord } from '../rows.js';
import type { SourceFile } from '../wrapper.js';
import { stagingSchema } from './schema.js';

/** Rows that are added in one transaction. */
const TRANSACTION_ROWS = 2_000;

/** Collects what journals and files say, in any order; what is said later replaces what was said earlier. */
export class Staging {
  readonly #database: Database;
  readonly #statements: Statements;
  readonly #nowMs: EpochMs;
  readonly #lensIds = new Map<LensName, number>();
  #rows = 0;

  /** @param nowMs when what is found to be damaged is given up */
  constructor(database: Database, nowMs: EpochMs) {
    this.#database = database;
    this.#nowMs = nowMs;
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
      case 'protection':
        this.#put(
          'INSERT OR REPLACE INTO staged_protection VALUES (?, ?, ?, ?, ?, ?, ?)',
          ...[lensId, entry.holder, entry.startMs, entry.endMs, entry.reason, entry.madeMs],
          entry.expiresMs ?? null,
        );
        return;
    }
  }

  /**
   * Takes down a segment by its file, and its run if no journal knows it. False if there is one of that name already.
   *
   * @param source the other recorder's file, for an adopted segment
   */
  addSegment(segment: SegmentRecord, run: NewRun, source?: SourceFile): boolean {
    const lensId = this.#lensId(segment.lens);
    this.#requireRun(lensId, run);
    const added = this.#put(
      'INSERT OR IGNORE INTO staged_segment VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      ...[lensId, segment.run, segment.seq, segment.startMs, segment.endMs, segment.fileStartMs],
      ...[segment.sizeBytes, fromHex(segment.sha256, 32), segment.firstFragment, segment.fragmentCount],
      ...[segment.fragments, segment.holes.length === 0 ? null : JSON.stringify(segment.holes)],
      ...(source ? [dirname(source.path), basename(source.path)] : [null, null]),
      ...[source?.sizeBytes ?? null, source?.modifiedMs ?? null],
    );
    return added === 1;
  }

  /** Takes down that a segment is lost, since its file is damaged; that is still to be put away. */
  addCorrupt(segment: SegmentRecord, run: NewRun): void {
    const lensId = this.#lensId(segment.lens);
    this.#requireRun(lensId, run);
    this.#put(
      `INSERT OR IGNORE INTO staged_tombstone
         (lens_id, run, seq, start_ms, end_ms, file_start_ms, size_bytes, sha256, deleted_ms, reason, file_gone, noted)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'corrupt', 0, 0)`,
      ...[lensId, segment.run, segment.seq, segment.startMs, segment.endMs, segment.fileStartMs],
      ...[segment.sizeBytes, fromHex(segment.sha256, 32), this.#nowMs],
    );
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

  /** Takes down a run that no journal knows, by what a file of it says. */
  #requireRun(lensId: number, run: NewRun): void {
    const sql = 'SELECT 1 FROM staged_run WHERE lens_id = ? AND name = ?';
    if (this.#statements.get(sql, lensId, run.run)) return;
    this.#addRun(lensId, run, { place: undefined, endMs: undefined, endReason: undefined });
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
