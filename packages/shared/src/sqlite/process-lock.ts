import BetterSqlite3 from 'better-sqlite3';
import type { DurationMs } from '../time/index.js';
import { translate } from './open.js';

/**
 * Takes a lock that lasts until it is disposed of or its process ends, however it ends: a power cut or a kill leaves
 * nothing behind that would keep the next process out. It is the lock that SQLite puts on an otherwise empty file at
 * `path`; Node itself has none that the kernel would release.
 *
 * @param waitMs how long to wait for another holder; the process does nothing else meanwhile
 * @returns the lock; `undefined` when another holder has it
 * @throws STORAGE_UNWRITABLE when there can be no file at `path`
 */
export function tryLock(path: string, waitMs: DurationMs): Disposable | undefined {
  let database: BetterSqlite3.Database | undefined;
  try {
    database = new BetterSqlite3(path, { timeout: waitMs });
    database.exec('BEGIN EXCLUSIVE');
  } catch (thrown) {
    database?.close();
    if (thrown instanceof BetterSqlite3.SqliteError && thrown.code.startsWith('SQLITE_BUSY'))
      return undefined;
    throw translate(path, thrown);
  }
  const held = database;
  return { [Symbol.dispose]: () => void held.close() };
}
