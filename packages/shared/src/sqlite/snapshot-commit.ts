import type { Database as Connection } from 'better-sqlite3';
import type { Clock, DurationMs, Timer } from '../time/index.js';
import type { Commits } from './commits.js';

export interface SnapshotOptions {
  readonly connection: Connection;
  readonly clock: Clock;
  /** The longest that what may wait is in memory alone. */
  readonly everyMs: DurationMs;
  /** Called inside the transaction, just before it is committed. */
  readonly onCommit: () => void;
  /** Called when a commit failed and what may wait is about to be done again. */
  readonly onRedo: (mark: number) => void;
  /** What {@link onRedo} is to hear of the state before the commit. */
  readonly mark: () => number;
  /** A commit of what may wait failed; it is tried again after {@link everyMs}. */
  readonly onError: (thrown: unknown) => void;
}

interface Change {
  readonly run: () => unknown;
  /** Undefined for what may become durable later: nobody waits for it, and a failed commit must not undo it. */
  readonly waiting: { readonly resolve: () => void; readonly reject: (thrown: unknown) => void } | undefined;
}

/**
 * Keeps changes in memory and commits all of them together: after a while, or at once with the first change that has to be
 * durable. Each page of the database is then written once, however often it changed, which spares flash memory. On one
 * connection everything can be read at once; other connections see the last commit.
 *
 * It is one transaction that stays open. A commit that the disk refuses is rolled back by SQLite; then what may wait is done
 * again, in its order, and what somebody waits for has failed.
 */
export class SnapshotCommit implements Commits {
  readonly #options: SnapshotOptions;
  #changes: Change[] = [];
  #immediate: NodeJS.Immediate | undefined;
  #timer: Timer | undefined;

  constructor(options: SnapshotOptions) {
    this.#options = options;
    // What is not committed must not reach the disk for want of memory either, nor a savepoint that grows large.
    options.connection.pragma('cache_spill = OFF');
    options.connection.pragma('temp_store = MEMORY');
  }

  write<T>(write: () => T): Promise<T> {
    this.#immediate ??= setImmediate(() => this.flush());
    return this.#wait(write);
  }

  writeLazily<T>(write: () => T): Promise<T> {
    this.#schedule();
    return this.#wait(write);
  }

  writeInTime<T>(write: () => T): Promise<T> {
    return this.writeLazily(write);
  }

  async writeAhead<T>(write: () => T): Promise<T> {
    this.#schedule();
    const value = this.#apply(write);
    this.#changes.push({ run: write, waiting: undefined });
    return value;
  }

  /** Commits everything now. */
  flush(): void {
    clearImmediate(this.#immediate);
    this.#immediate = undefined;
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    const changes = this.#changes;
    if (changes.length === 0) return;
    const { connection, onCommit, mark, onError } = this.#options;
    const before = mark();
    try {
      this.#begin();
      onCommit();
      connection.exec('COMMIT');
    } catch (thrown) {
      this.#changes = changes.filter(({ waiting }) => waiting === undefined);
      this.#redo(before);
      onError(thrown);
      for (const { waiting } of changes) waiting?.reject(thrown);
      if (this.#changes.length > 0) this.#schedule();
      return;
    }
    this.#changes = [];
    for (const { waiting } of changes) waiting?.resolve();
  }

  /** Commits what is waiting and stops. */
  [Symbol.dispose](): void {
    this.flush();
    this.#timer?.[Symbol.dispose]();
  }

  #wait<T>(write: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const value = this.#apply(write);
      this.#changes.push({ run: write, waiting: { resolve: () => resolve(value), reject } });
    });
  }

  /** A nested transaction is a savepoint: a write that throws leaves no trace and spares its neighbours. */
  #apply<T>(write: () => T): T {
    const { connection, mark } = this.#options;
    this.#begin();
    const before = mark();
    try {
      return connection.transaction(write)();
    } catch (thrown) {
      // What the disk fails, SQLite rolls back as a whole.
      if (!connection.inTransaction) this.#redo(before);
      throw thrown;
    }
  }

  #begin(): void {
    const { connection } = this.#options;
    if (!connection.inTransaction) connection.exec('BEGIN IMMEDIATE');
  }

  #redo(mark: number): void {
    const { connection, onRedo, onError } = this.#options;
    try {
      if (connection.inTransaction) connection.exec('ROLLBACK');
      this.#begin();
      onRedo(mark);
      for (const { run } of this.#changes) connection.transaction(run)();
    } catch (thrown) {
      onError(thrown);
    }
  }

  #schedule(): void {
    this.#timer ??= this.#options.clock.schedule(this.#options.everyMs, () => this.flush());
  }
}
