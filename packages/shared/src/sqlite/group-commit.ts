import type { Database as Connection } from 'better-sqlite3';
import type { Clock, DurationMs, Timer } from '../time/index.js';
import type { Commits } from './commits.js';

interface Waiting {
  readonly run: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** The longest that a lazy write waits for company. */
const LAZY_MS: DurationMs = 200;

/**
 * Collects the writes of one turn of the event loop into one transaction: one fsync for all of them, however many
 * vehicles speak at once. Each write succeeds or fails on its own (a savepoint each), and its promise settles only
 * after the commit, so "resolved" means "durable".
 */
export class GroupCommit implements Commits {
  readonly #connection: Connection;
  readonly #clock: Clock;
  #waiting: Waiting[] = [];
  #immediate: NodeJS.Immediate | undefined;
  #lazy: Timer | undefined;

  constructor(connection: Connection, clock: Clock) {
    this.#connection = connection;
    this.#clock = clock;
  }

  /** Runs `write` inside the next transaction. `write` is synchronous and uses the same connection. */
  write<T>(write: () => T): Promise<T> {
    this.#immediate ??= setImmediate(() => this.flush());
    return this.#enqueue(write);
  }

  /**
   * As {@link write}, for what may be lost in a crash because it can be had again: it rides with the next transaction,
   * or starts one after {@link LAZY_MS}.
   */
  writeLazily<T>(write: () => T): Promise<T> {
    this.#lazy ??= this.#clock.schedule(LAZY_MS, () => this.flush());
    return this.#enqueue(write);
  }

  writeInTime<T>(write: () => T): Promise<T> {
    return this.write(write);
  }

  writeAhead<T>(write: () => T): Promise<T> {
    return this.write(write);
  }

  /** Commits what is waiting now, so that a reader sees it. */
  flush(): void {
    this.#unschedule();
    const batch = this.#waiting;
    if (batch.length === 0) return;
    this.#waiting = [];
    const settle: (() => void)[] = [];
    try {
      const all = this.#connection.transaction(() => {
        for (const { run, resolve, reject } of batch) {
          try {
            // A nested transaction is a savepoint: a write that throws leaves no trace and spares its neighbours.
            const value = this.#connection.transaction(run)();
            settle.push(() => resolve(value));
          } catch (thrown) {
            // What the disk fails, SQLite rolls back as a whole; what follows would be committed on its own.
            if (!this.#connection.inTransaction) throw thrown;
            settle.push(() => reject(thrown));
          }
        }
      });
      all.immediate();
    } catch (thrown) {
      for (const { reject } of batch) reject(thrown);
      return;
    }
    for (const done of settle) done();
  }

  /** Commits what is waiting and stops. */
  [Symbol.dispose](): void {
    this.flush();
  }

  #enqueue<T>(write: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ run: write, resolve: resolve as (value: unknown) => void, reject });
    });
  }

  #unschedule(): void {
    clearImmediate(this.#immediate);
    this.#immediate = undefined;
    this.#lazy?.[Symbol.dispose]();
    this.#lazy = undefined;
  }
}
