import { existsSync } from 'node:fs';
import type { Disk } from '@gapless/shared/fs';
import { toAppError } from '@gapless/shared/errors';
import type { StepHook } from '@gapless/shared/lifecycle';
import type { Log } from '@gapless/shared/log';
import type { Commits, Database } from '@gapless/shared/sqlite';
import { translate } from '@gapless/shared/sqlite';
import type { EpochMs } from '@gapless/shared/time';
import { openIndex } from './open-index.js';
import { rebuildIndex } from './rebuild/index.js';
import { hasRecordings } from './rebuild/read-recordings.js';

export interface SoundIndexOptions {
  /** Where the index is. The caller sees to it that no other agent runs. */
  readonly path: string;
  /** Absolute path of the recordings. */
  readonly storageDir: string;
  readonly disk: Disk;
  readonly step: StepHook;
  readonly nowMs: EpochMs;
  readonly log: Log;
}

/**
 * Opens the agent's index. One that SQLite finds damaged, or that is gone while there are recordings, is first made anew
 * from the files; a damaged one is kept beside it.
 *
 * @throws DATABASE_TOO_NEW, DATABASE_IN_USE, STORAGE_*
 */
export async function openSoundIndex(options: SoundIndexOptions): Promise<Database> {
  const { path, storageDir, log } = options;
  const damage = existsSync(path)
    ? damageOf(path)
    : hasRecordings(storageDir)
      ? 'there is no index, and there are recordings'
      : undefined;
  if (damage !== undefined) {
    log.error({ path, damage }, 'index is made anew from the recordings');
    const { segments, former, leftOut } = await rebuildIndex({
      ...options,
      ...{ readData: false, onProgress: () => undefined, signal: new AbortController().signal },
    });
    log.warn({ segments, former, leftOut: leftOut.length }, 'index made anew');
  }
  return openIndex(path);
}

/** What SQLite finds wrong with the index, as one line; undefined if it is sound. */
function damageOf(path: string): string | undefined {
  try {
    const database = openIndex(path);
    try {
      const found = database.pragma('quick_check(1)', { simple: true }) as string;
      return found === 'ok' ? undefined : found.replaceAll('\n', ' ');
    } finally {
      database.close();
    }
  } catch (thrown) {
    const error = toAppError(translate(path, thrown));
    if (error.code === 'DATABASE_CORRUPT') return error.message;
    throw error;
  }
}

/**
 * The same commits, whose failures are errors of ours; tells when one meets damage of the database, which no further try
 * would mend.
 */
export function tellingDamage(commits: Commits, path: string, onDamaged: (thrown: unknown) => void): Commits {
  const told = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (thrown) {
      const error = translate(path, thrown, true);
      if (toAppError(error).code === 'DATABASE_CORRUPT') onDamaged(error);
      throw error;
    }
  };
  return {
    write: (write) => told(commits.write(write)),
    writeLazily: (write) => told(commits.writeLazily(write)),
    writeInTime: (write) => told(commits.writeInTime(write)),
    writeAhead: (write) => told(commits.writeAhead(write)),
    [Symbol.dispose]: () => commits[Symbol.dispose](),
  };
}
