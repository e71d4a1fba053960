import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Database } from '@gapless/shared/sqlite';
import { AppError } from '@gapless/shared/errors';
import { openDatabase, openForReading } from '@gapless/shared/sqlite';
import { indexSchema } from './schema.js';
import { resumeSnapshots } from './snapshots.js';

/** Where an agent keeps its index. */
export function indexPath(stateDir: string): string {
  return join(stateDir, 'index.sqlite');
}

/** Opens the agent's index, creating it with an epoch of its own when there is none. */
export function openIndex(path: string): Database {
  const database = openDatabase(path, indexSchema);
  // The epoch tells central that change sequences have started again from 1.
  database.prepare("INSERT INTO meta VALUES ('catalogue_epoch', ?) ON CONFLICT DO NOTHING").run(randomUUID());
  resumeSnapshots(database);
  return database;
}

/**
 * Opens the index beside a running agent.
 *
 * @throws INDEX_MISSING, DATABASE_*
 */
export function readIndex(path: string): Database {
  if (!existsSync(path)) {
    throw new AppError('INDEX_MISSING', `there is no index at ${path}`, {
      hint: 'Check "stateDir" in the configuration, or make the index from the recordings: gapless-edge check --rebuild',
    });
  }
  return openForReading(path, indexSchema);
}
