import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { toAppError } from '@gapless/shared/errors';
import type { Disk } from '@gapless/shared/fs';
import type { StepHook } from '@gapless/shared/lifecycle';
import { openDatabase, translate } from '@gapless/shared/sqlite';
import type { EpochMs } from '@gapless/shared/time';
import { IndexReader } from '../index-reader.js';
import { openIndex } from '../open-index.js';
import { indexSchema } from '../schema.js';
import type { Difference } from './compare.js';
import { compareIndexes } from './compare.js';
import { fillIndex } from './fill-index.js';
import type { LeftOut } from './read-recordings.js';
import { countFiles, lensesIn, readRecordings } from './read-recordings.js';
import { Staging } from './staging.js';
import { formerIndexPath, swapIndex } from './swap-index.js';

export interface RebuildOptions {
  /** Where the index is, or was. The caller sees to it that no agent runs. */
  readonly path: string;
  /** Absolute path of the recordings. */
  readonly storageDir: string;
  readonly disk: Disk;
  readonly step: StepHook;
  /** Whether every file is read to its last byte, instead of taking its hash from the seal of the one behind it. */
  readonly readData: boolean;
  readonly nowMs: EpochMs;
  readonly onProgress: (done: number, total: number) => void;
  readonly signal: AbortSignal;
}

export interface Rebuilt {
  readonly segments: number;
  readonly leftOut: readonly LeftOut[];
  /** How the new index differs from the former one; undefined when that was not there or could not be read. */
  readonly differences: readonly Difference[] | undefined;
  /** Where the former index was put; undefined when there was none. */
  readonly former: string | undefined;
}

/** A turn of the event loop is yielded after so many files that are not read as a whole, so that a signal gets through. */
const YIELD_EVERY = 50;
/** As many of them are told; the rest is found again by `check`. */
const MAX_LEFT_OUT = 1_000;

/**
 * Makes the index anew from the recordings and the journals beside them, compares it with the former one and puts it in
 * its place. It begins a new epoch, so that central hears everything again. Until the last step the former index is
 * untouched, and whatever ends the rebuilding, there is one of the two.
 *
 * @throws the signal's reason when it aborts, STORAGE_*
 */
export async function rebuildIndex(options: RebuildOptions): Promise<Rebuilt> {
  const { path, disk, step } = options;
  const rebuiltPath = `${path}.rebuilding`;
  await removeDatabase(rebuiltPath);
  const stoppedMs = closeFormer(path);
  const database = openIndex(rebuiltPath);
  const leftOut: LeftOut[] = [];
  let differences: Difference[] | undefined;
  let segments: number;
  try {
    // Nothing of it counts before it is synced as a whole.
    database.pragma('synchronous = OFF');
    const staging = new Staging(database, options.nowMs);
    await readAll(options, staging, (left) => {
      if (leftOut.length < MAX_LEFT_OUT) leftOut.push(left);
    });
    staging.end();
    fillIndex(database, stoppedMs);
    segments = database.prepare('SELECT count(*) FROM segment').pluck().get() as number;
    differences = existsSync(path) ? tryToCompare() : undefined;
    database.pragma('wal_checkpoint(TRUNCATE)');
  } finally {
    database.close();
  }
  const hadFormer = existsSync(path);
  await swapIndex({ disk, step }, rebuiltPath, path);
  return { segments, leftOut, differences, former: hadFormer ? formerIndexPath(path) : undefined };

  function tryToCompare(): Difference[] | undefined {
    try {
      return compareIndexes(database, path);
    } catch (thrown) {
      if (isDamage(path, thrown)) return undefined;
      throw thrown;
    }
  }
}

async function readAll(
  { storageDir, readData, onProgress, signal }: RebuildOptions,
  staging: Staging,
  onLeftOut: (left: LeftOut) => void,
): Promise<void> {
  const total = countFiles(storageDir);
  let done = 0;
  const onFile = async (): Promise<void> => {
    onProgress(++done, total);
    if (readData || done % YIELD_EVERY === 0) await new Promise<void>((resolve) => setImmediate(resolve));
    signal.throwIfAborted();
  };
  for (const lens of lensesIn(storageDir))
    await readRecordings({ storageDir, staging, readData, onLeftOut, onFile }, lens);
}

/** Brings the former index into its one file and up to date, if it can be; returns when the agent stopped, if it says so. */
function closeFormer(path: string): EpochMs | undefined {
  if (!existsSync(path)) return undefined;
  try {
    const former = openDatabase(path, indexSchema);
    try {
      const { stoppedMs } = new IndexReader(former);
      former.pragma('wal_checkpoint(TRUNCATE)');
      return stoppedMs;
    } finally {
      former.close();
    }
  } catch (thrown) {
    if (isDamage(path, thrown)) return undefined;
    throw thrown;
  }
}

function isDamage(path: string, thrown: unknown): boolean {
  return toAppError(translate(path, thrown)).code === 'DATABASE_CORRUPT';
}

async function removeDatabase(path: string): Promise<void> {
  for (const name of [path, `${path}-wal`, `${path}-shm`]) await rm(name, { force: true });
}
