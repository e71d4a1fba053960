import type { Database as Connection, Statement } from 'better-sqlite3';

/** Prepares each statement once and keeps it. SQL text must be constant: values are bound, never spliced in. */
export class Statements {
  readonly #connection: Connection;
  readonly #prepared = new Map<string, Statement>();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** All rows. */
  all<Row>(sql: string, ...bind: unknown[]): Row[] {
    return this.#prepare(sql).all(...bind) as Row[];
  }

  /** The first row, if any. */
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the caller names the row of its SQL
  get<Row>(sql: string, ...bind: unknown[]): Row | undefined {
    return this.#prepare(sql).get(...bind) as Row | undefined;
  }

  /** Runs a statement for its effect; returns how many rows changed. */
  run(sql: string, ...bind: unknown[]): number {
    return this.#prepare(sql).run(...bind).changes;
  }

  #prepare(sql: string): Statement {
    let statement = this.#prepared.get(sql);
    if (!statement) {
      statement = this.#connection.prepare(sql);
      this.#prepared.set(sql, statement);
    }
    return statement;
  }
}
