import type { Database as Connection } from 'better-sqlite3';
import { AppError } from '../errors/index.js';

/** One numbered step from the schema version before it. */
export interface Migration {
  /** The `user_version` that the database has after this step. */
  readonly version: number;
  readonly sql: string;
}

export interface Schema {
  /** Creates the newest version in an empty database. */
  readonly latest: string;
  /** The `user_version` of {@link latest}. */
  readonly version: number;
  /** Steps from version 1 on, in order; a test proves that they end where `latest` begins. */
  readonly migrations: readonly Migration[];
}

/** Creates the schema, or brings an older one up to date, one transaction a step. */
export function migrate(database: Connection, schema: Schema): void {
  const found = database.pragma('user_version', { simple: true }) as number;
  if (found > schema.version) throw tooNew(database, found, schema);
  if (found === 0) {
    apply(database, { version: schema.version, sql: schema.latest });
    return;
  }
  for (const step of schema.migrations) if (step.version > found) apply(database, step);
}

function apply(database: Connection, step: Migration): void {
  database.transaction(() => {
    database.exec(step.sql);
    database.pragma(`user_version = ${step.version}`);
  })();
}

/** Makes sure that the schema is neither older nor newer than the one known; throws DATABASE_TOO_OLD or DATABASE_TOO_NEW. */
export function requireVersion(database: Connection, schema: Schema): void {
  const found = database.pragma('user_version', { simple: true }) as number;
  if (found > schema.version) throw tooNew(database, found, schema);
  if (found === schema.version) return;
  throw new AppError(
    'DATABASE_TOO_OLD',
    `${database.name} has schema version ${found}, this program needs ${schema.version}`,
    { hint: 'Start the new version of the daemon once: it brings its database up to date.' },
  );
}

function tooNew(database: Connection, found: number, schema: Schema): AppError {
  return new AppError(
    'DATABASE_TOO_NEW',
    `${database.name} has schema version ${found}, this program knows ${schema.version}`,
    {
      hint: 'Install the newer version of the program again, or restore the database from before its upgrade.',
    },
  );
}
