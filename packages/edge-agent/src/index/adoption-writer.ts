import type { LensName, RunId } from '@gapless/shared/ids';
import type { RunEndReason } from '@gapless/shared/protocol';
import type { Statements } from '@gapless/shared/sqlite';
import type { EpochMs } from '@gapless/shared/time';
import type { JournalNote } from './journal/entry.js';
import { runNote } from './journal/entry.js';
import type { AdoptedFileRecord, NewRun, SegmentRecord } from './rows.js';
import { RunQueries } from './run-queries.js';
import { SegmentStatements } from './segment-statements.js';

/** What a file brings about, in order. */
export type AdoptionChange =
  | { readonly kind: 'begin-run'; readonly run: NewRun }
  | {
      readonly kind: 'end-run';
      readonly run: RunId;
      readonly endMs: EpochMs;
      readonly reason: RunEndReason;
    }
  | { readonly kind: 'segment'; readonly segment: SegmentRecord };

/** Takes down what became of files of other recorders. */
export class AdoptionWriter {
  readonly #statements: Statements;
  readonly #rows: SegmentStatements;
  readonly #runs: RunQueries;
  readonly #write: <T>(change: () => T) => Promise<T>;
  readonly #note: (note: JournalNote) => void;

  /** @param write commits a change durably, then tells whoever listens */
  constructor(
    statements: Statements,
    write: <T>(change: () => T) => Promise<T>,
    note: (note: JournalNote) => void,
  ) {
    this.#statements = statements;
    this.#rows = new SegmentStatements(statements);
    this.#runs = new RunQueries(statements);
    this.#write = write;
    this.#note = note;
  }

  /** All that a file brings about, in one transaction: after a crash it is adopted whole, or not at all. */
  async adopt(file: Omit<AdoptedFileRecord, 'id'>, changes: readonly AdoptionChange[]): Promise<void> {
    const runs = await this.#write(() => {
      this.#rows.requireLens(file.lens);
      const id = this.#putFile(file);
      return changes.flatMap((change) => this.#apply(file.lens, change, id));
    });
    for (const { row, seq } of runs) this.#note(runNote(row, seq));
  }

  /** A file has gone, and with it its segments. */
  forget({ id }: Pick<AdoptedFileRecord, 'id'>): Promise<void> {
    return this.#write(() => {
      this.#statements.run('DELETE FROM adopted_file WHERE id = ?', id);
    });
  }

  #apply(lens: LensName, change: AdoptionChange, fileId: number) {
    const changeSeq = this.#rows.nextChange();
    if (change.kind === 'segment') {
      this.#rows.addSegment(change.segment, changeSeq, fileId);
      return [];
    }
    if (change.kind === 'begin-run') this.#rows.beginRun(change.run, changeSeq);
    else this.#rows.endRun({ lens, run: change.run }, change, changeSeq);
    return this.#runs.changedAfter(changeSeq - 1, 1);
  }

  #putFile(file: Omit<AdoptedFileRecord, 'id'>): number {
    const row = this.#statements.get<{ id: number }>(
      `INSERT INTO adopted_file (lens_id, directory, name, size_bytes, modified_ms, state, detail, facts)
       VALUES ((SELECT id FROM lens WHERE name = ?), ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (lens_id, directory, name) DO UPDATE SET size_bytes = excluded.size_bytes,
         modified_ms = excluded.modified_ms, state = excluded.state, detail = excluded.detail, facts = excluded.facts
       RETURNING id`,
      file.lens,
      file.directory,
      file.name,
      file.sizeBytes,
      file.modifiedMs,
      file.state,
      file.detail ?? null,
      file.facts ? JSON.stringify(file.facts) : null,
    );
    return row!.id;
  }
}
