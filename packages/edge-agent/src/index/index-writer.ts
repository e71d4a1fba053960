import type { LensName, RunId, SegmentRef } from '@gapless/shared/ids';
import type { RunEndReason } from '@gapless/shared/protocol';
import type { Commits, Database } from '@gapless/shared/sqlite';
import { GroupCommit, Statements } from '@gapless/shared/sqlite';
import type { Clock, EpochMs } from '@gapless/shared/time';
import { AdoptionWriter } from './adoption-writer.js';
import type { BurialFacts } from './bury-segment.js';
import { burySegment } from './bury-segment.js';
import { bounds, forgetDay } from './day-queries.js';
import { absenceNote, receiptNote, runNote, tombstoneNote } from './journal/entry.js';
import type { JournalSink } from './journal/journal.js';
import type { Day } from './paths.js';
import { ProtectionWriter } from './protection-writer.js';
import { RunQueries } from './run-queries.js';
import type { AbsenceRecord, NewRun, SegmentRecord, TombstoneRecord } from './rows.js';
import { digest, SegmentStatements } from './segment-statements.js';

/**
 * Every change of the index. Each method resolves once its change is durable, or will be found in the files after a crash,
 * and only then tells `onChange`, so what the catalogue announces has always survived a power cut. What the segments' files do not say themselves goes into
 * the journal beside them, after the commit.
 */
export class IndexWriter implements Disposable {
  readonly protections: ProtectionWriter;
  readonly adoption: AdoptionWriter;
  readonly #statements: Statements;
  readonly #rows: SegmentStatements;
  readonly #runs: RunQueries;
  readonly #commits: Commits;
  readonly #journal: JournalSink;
  readonly #listeners = new Set<() => void>();

  constructor(
    database: Database,
    clock: Clock,
    journal: JournalSink,
    commits: Commits = new GroupCommit(database, clock),
  ) {
    this.#statements = new Statements(database);
    this.#rows = new SegmentStatements(this.#statements);
    this.#runs = new RunQueries(this.#statements);
    this.#commits = commits;
    this.#journal = journal;
    this.protections = new ProtectionWriter(this.#statements, this.#commits);
    this.adoption = new AdoptionWriter(
      this.#statements,
      (change) => this.#write(change),
      (note) => journal.note(note),
    );
  }

  /** Commits what is waiting. */
  [Symbol.dispose](): void {
    this.#commits[Symbol.dispose]();
  }

  /** Calls `listener` after every durable change; returns how to stop that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async beginRun(run: NewRun): Promise<void> {
    const made = await this.#write(() => {
      const changeSeq = this.#rows.nextChange();
      return { order: this.#rows.beginRun(run, changeSeq), changeSeq };
    });
    const { order, changeSeq } = made;
    const monotonicMs = Math.round(run.monotonicMs);
    this.#journal.note(
      runNote({ ...run, order, monotonicMs, endMs: undefined, endReason: undefined }, changeSeq),
    );
  }

  async endRun(
    lens: LensName,
    run: RunId,
    end: { readonly endMs: EpochMs; readonly reason: RunEndReason },
  ): Promise<void> {
    const ended = await this.#write(() => {
      const changeSeq = this.#rows.nextChange();
      this.#rows.endRun({ lens, run }, end, changeSeq);
      return this.#runs.changedAfter(changeSeq - 1, 1)[0]!;
    });
    this.#journal.note(runNote(ended.row, ended.seq));
  }

  /**
   * Adds a closed segment. Its file is synced already, and the recovery finds it where the index does not have it: from
   * here on it is announced and may be asked for.
   */
  async addSegment(segment: SegmentRecord): Promise<void> {
    await this.#commits.writeAhead(() => this.#rows.addSegment(segment, this.#rows.nextChange()));
    this.#tellChange();
  }

  /**
   * Replaces the rows of segments by tombstones; what is no longer there is left out, and so is what came to be
   * protected, unless that goes, too. The files are removed afterwards, and {@link noteFilesGone} says that they are.
   */
  async buryMany(segments: readonly SegmentRef[], burial: BurialFacts): Promise<TombstoneRecord[]> {
    const made = await this.#write(() =>
      segments.flatMap((ref) => {
        const row = burySegment(this.#statements, ref, {
          ...burial,
          nextChange: () => this.#rows.nextChange(),
        });
        return row ?? [];
      }),
    );
    for (const { row, seq } of made) this.#journal.note(tombstoneNote(row, seq));
    return made.map(({ row }) => row);
  }

  /** The files of these tombstones are removed. Told lazily: after a crash they are looked for once more. */
  noteFilesGone(tombstones: readonly SegmentRef[]): Promise<void> {
    return this.#commits.writeLazily(() => {
      for (const { lens, run, seq } of tombstones) {
        this.#statements.run(
          `UPDATE tombstone SET file_gone = 1 WHERE seq = ? AND run_id = (${RUN_ID})`,
          seq,
          lens,
          run,
        );
      }
    });
  }

  async addAbsence(absence: AbsenceRecord): Promise<void> {
    const changeSeq = await this.#write(() => {
      const seq = this.#rows.nextChange();
      this.#statements.run('INSERT INTO lens (name) VALUES (?) ON CONFLICT DO NOTHING', absence.lens);
      this.#statements.run(
        `INSERT INTO absence (lens_id, start_ms, end_ms, reason, detail, change_seq)
         VALUES ((SELECT id FROM lens WHERE name = ?), ?, ?, ?, ?, ?)
         ON CONFLICT (lens_id, start_ms) DO UPDATE SET
           end_ms = excluded.end_ms, reason = excluded.reason, detail = excluded.detail, change_seq = excluded.change_seq`,
        absence.lens,
        absence.startMs,
        absence.endMs,
        absence.reason,
        absence.detail ?? null,
        seq,
      );
      return seq;
    });
    this.#journal.note(absenceNote(absence, changeSeq));
  }

  /**
   * Notes what central has proven to hold. A receipt for another hash than ours is worth nothing and is left out. Central
   * says it again until it hears that it is noted, so that may wait for company.
   */
  async markReceipted(receipts: readonly (SegmentRef & { sha256: string })[]): Promise<void> {
    const marked = await this.#commits.writeInTime(() =>
      receipts.flatMap((receipt) => {
        const row = this.#statements.get<{ file_start_ms: number }>(
          `UPDATE segment SET receipted = 1 WHERE receipted = 0 AND seq = ? AND sha256 = ? AND run_id = (${RUN_ID})
           RETURNING file_start_ms`,
          receipt.seq,
          digest(receipt.sha256),
          receipt.lens,
          receipt.run,
        );
        return row ? [{ ...receipt, fileStartMs: row.file_start_ms }] : [];
      }),
    );
    for (const receipt of marked) this.#journal.note(receiptNote(receipt));
  }

  /** Forgets everything of a day that has no files any more. Central has been told of it long ago. */
  forgetDay(lens: LensName, day: Day): Promise<void> {
    return this.#commits.write(() => {
      for (const sql of forgetDay) this.#statements.run(sql, bounds(lens, day));
    });
  }

  /** The journal is complete and on the disk for every row changed up to `changeSeq`. */
  noteJournal(changeSeq: number): Promise<void> {
    return this.#commits.write(() => {
      this.#statements.run(
        "INSERT INTO meta VALUES ('journal_seq', ?) ON CONFLICT DO UPDATE SET value = excluded.value",
        String(changeSeq),
      );
    });
  }

  /** The agent stops in an orderly way: what follows without footage is meant. */
  noteStop(nowMs: EpochMs): Promise<void> {
    return this.#commits.write(() => {
      this.#statements.run(
        "INSERT INTO meta VALUES ('stopped_ms', ?) ON CONFLICT DO UPDATE SET value = excluded.value",
        String(nowMs),
      );
    });
  }

  /**
   * The agent runs: if it ends without {@link noteStop}, that was not meant. What snapshots may have left out is known again.
   */
  noteRunning(): Promise<void> {
    return this.#commits.write(() => {
      this.#statements.run("DELETE FROM meta WHERE key IN ('stopped_ms', 'snapshot_seq')");
    });
  }

  async #write<T>(change: () => T): Promise<T> {
    const made = await this.#commits.write(change);
    this.#tellChange();
    return made;
  }

  #tellChange(): void {
    for (const listener of this.#listeners) listener();
  }
}

const RUN_ID = 'SELECT r.id FROM run r JOIN lens l ON l.id = r.lens_id WHERE l.name = ? AND r.name = ?';
