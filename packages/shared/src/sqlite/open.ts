import { existsSync } from 'node:fs';
import BetterSqlite3 from 'better-sqlite3';
import { AppError } from '../errors/index.js';
import type { Schema } from './schema.js';
import { migrate, requireVersion } from './schema.js';

export type Database = BetterSqlite3.Database;
export type Statement<Bind extends unknown[] | object = unknown[], Row = unknown> = BetterSqlite3.Statement<
  Bind extends unknown[] ? Bind : [Bind],
  Row
>;

/** How long a statement waits for another process's lock, such as `check` beside a running daemon. */
const BUSY_TIMEOUT_MS = 5_000;

/**
 * Opens a database for reading and writing, brings its schema up to date and sets what durability rests on:
 * `synchronous=FULL`, because with `NORMAL` an acknowledged row can vanish in a power cut, and WAL, so that readers
 * never wait for a writer.
 */
export function openDatabase(path: string, schema: Schema): Database {
  const database = new BetterSqlite3(path);
  try {
    database.pragma(`busy_timeout = ${BUSY_TIMEOUT_MS}`);
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = FULL');
    database.pragma('foreign_keys = ON');
    database.pragma('trusted_schema = OFF');
    migrate(database, schema);
    return database;
  } catch (thrown) {
    database.close();
    throw translate(path, thrown);
  }
}

/**
 * Opens an existing database as {@link openDatabase} does, but only while no other process has it open, and none can open
 * it until it is closed: for repairs.
 *
 * @throws DATABASE_MISSING, DATABASE_IN_USE as well
 */
export function openAlone(path: string, schema: Schema): Database {
  requireFile(path);
  const database = new BetterSqlite3(path, { timeout: 0 });
  try {
    // Set before the first read, this makes SQLite ask for the file alone, and every other connection holds a share of it.
    database.pragma('locking_mode = EXCLUSIVE');
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = FULL');
    database.pragma('foreign_keys = ON');
    database.pragma('trusted_schema = OFF');
    migrate(database, schema);
    // Taken with the first write at the latest; nothing is written here.
    database.exec('BEGIN EXCLUSIVE; COMMIT');
    return database;
  } catch (thrown) {
    database.close();
    throw translate(path, thrown);
  }
}

/**
 * Opens an existing database for reading only; a reader never waits for the writer and never delays it. Nothing can be
 * brought up to date on the way, so the schema must be the one that this program knows.
 */
export function openForReading(path: string, schema: Schema): Database {
  requireFile(path);
  let database: Database | undefined;
  try {
    database = new BetterSqlite3(path, { readonly: true, fileMustExist: true });
    database.pragma(`busy_timeout = ${BUSY_TIMEOUT_MS}`);
    requireVersion(database, schema);
    return database;
  } catch (thrown) {
    database?.close();
    throw translate(path, thrown);
  }
}

function requireFile(path: string): void {
  if (existsSync(path)) return;
  throw new AppError('DATABASE_MISSING', `there is no database at ${path}`, {
    hint: 'Name the directory that the daemon works in; it makes its database at its first start.',
  });
}

/**
 * An error of SQLite as one of ours; any other as it is.
 *
 * @param isOpened whether the database has been opened, so that it is its use that failed
 */
export function translate(path: string, thrown: unknown, isOpened = false): unknown {
  if (!(thrown instanceof BetterSqlite3.SqliteError)) return thrown;
  if (thrown.code === 'SQLITE_CORRUPT' || thrown.code === 'SQLITE_NOTADB') {
    return new AppError('DATABASE_CORRUPT', `${path} is damaged: ${thrown.message}`, { cause: thrown });
  }
  if (thrown.code.startsWith('SQLITE_BUSY') || thrown.code.startsWith('SQLITE_LOCKED')) {
    return new AppError('DATABASE_IN_USE', `another process has ${path} open`, {
      cause: thrown,
      hint: 'Stop it first.',
    });
  }
  if (/^SQLITE_(IOERR|FULL|READONLY)/.test(thrown.code) && isOpened) {
    return new AppError('DATABASE_WRITE_FAILED', `the disk failed the database ${path}: ${thrown.message}`, {
      cause: thrown,
      hint: 'Look at the free space and the health of the disk: gapless-edge doctor.',
      details: { sqlite: thrown.code },
    });
  }
  return new AppError('STORAGE_UNWRITABLE', `cannot open the database ${path}: ${thrown.message}`, {
    cause: thrown,
  });
}
