import { toAppError } from '@gapless/shared/errors';
import type { VehicleId } from '@gapless/shared/ids';
import type { Database } from '@gapless/shared/sqlite';
import { Statements, translate } from '@gapless/shared/sqlite';
import type { DurationMs, EpochMs } from '@gapless/shared/time';
import { IndexReader } from '../index-reader.js';
import { checkFiles } from './check-files.js';
import { checkJournals } from './check-journal.js';
import { checkLens } from './check-lens.js';
import type { CheckPort } from './check-port.js';
import { checkProtectionRows, checkProtectionsFile } from './check-protections.js';
import { checkRows } from './check-rows.js';
import { checkTables } from './check-tables.js';
import type { Finding } from './finding.js';
import { REMEDIES } from './finding.js';

export interface CheckOptions {
  /** Opened for reading only. */
  readonly database: Database;
  /** Absolute path of the recordings. */
  readonly storageDir: string;
  readonly vehicle: VehicleId;
  /** Public half of the key that signs segments, SPKI DER; without it signatures are not checked. */
  readonly evidenceKey: Uint8Array | undefined;
  /** Whether every file is read to its last byte. */
  readonly readData: boolean;
  readonly nowMs: EpochMs;
  /** How long tombstones are kept; what was recorded before may lack its predecessors. */
  readonly keepMs: DurationMs;
  /** Whether an agent works on the recordings, so that what is seen may be about to change. */
  readonly isRunning: () => boolean;
  readonly report: (finding: Finding) => void;
  readonly onProgress: (progress: CheckProgress) => void;
  readonly signal: AbortSignal;
}

export interface CheckProgress {
  readonly segments: number;
  readonly totalSegments: number;
  readonly bytes: number;
}

/** A turn of the event loop is yielded after so many segments, so that a signal gets through. */
const YIELD_EVERY = 50;

/**
 * Verifies every stated invariant of the recordings against the disk; `docs/design/index.md` lists them. Reads only, and
 * holds a page of rows at a time. While an agent runs, what seems wrong is looked at again before it is reported.
 *
 * @returns how much was looked at
 * @throws the signal's reason when it aborts
 */
export async function check(options: CheckOptions): Promise<CheckProgress> {
  const { database, signal, nowMs, keepMs, report, onProgress } = options;
  const statements = new Statements(database);
  const reader = new IndexReader(database);
  let progress = { segments: 0, totalSegments: 0, bytes: 0 };
  const port: CheckPort = {
    ...options,
    statements,
    reader,
    forgottenMs: nowMs - keepMs,
    onSegment: (sizeBytes) => {
      progress = { ...progress, segments: progress.segments + 1, bytes: progress.bytes + sizeBytes };
      onProgress(progress);
      if (!options.readData && progress.segments % YIELD_EVERY !== 0) return undefined;
      return turn(signal);
    },
  };
  try {
    progress = { ...progress, totalSegments: countSegments(statements) };
    checkTables(port);
    checkRows(port);
    checkProtectionRows(port);
    for (const lens of reader.lenses()) {
      await checkLens(port, lens);
      await checkJournals(port, lens);
      await checkProtectionsFile(port, lens);
      await turn(signal);
    }
    checkFiles(port);
  } catch (thrown) {
    // A database that is damaged inside ends the check wherever that is met.
    const error = toAppError(translate(database.name, thrown));
    if (error.code !== 'DATABASE_CORRUPT') throw thrown;
    const detail = `the check ended early: ${error.message}`;
    report({ invariant: 'database', severity: 'error', detail, remedy: REMEDIES.rebuild });
  }
  return progress;
}

function countSegments(statements: Statements): number {
  return statements.get<{ count: number }>('SELECT count(*) AS count FROM segment')!.count;
}

async function turn(signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
  signal.throwIfAborted();
}
