import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, toAppError } from '@gapless/shared/errors';
import type { LensName } from '@gapless/shared/ids';
import type { RunEndReason } from '@gapless/shared/protocol';
import type { EpochMs } from '@gapless/shared/time';
import { MAX_EPOCH_MS } from '@gapless/shared/time';
import type { IndexReader } from '../index/index-reader.js';
import { quarantinePath, recordingDirectory } from '../index/paths.js';
import { ADOPTED_BOOT } from '../index/rows.js';
import type { OpenAbsence } from './absence-log.js';
import type { RecoveryPort } from './recover-file.js';
import { recoverFile } from './recover-file.js';
import { bringBackUnindexed } from './unindexed.js';

/** What a crash, a power cut or an orderly stop left behind, once it is put in order. */
export interface Recovered {
  /** SHA-256 of the lens's last segment, to chain the next to. */
  readonly previous: string | undefined;
  /** What has been missing since the last footage; undefined for a lens that never recorded. */
  readonly absence: OpenAbsence | undefined;
}

/**
 * Puts the recordings in order before the first run begins. Open segments are cut after their last whole fragment,
 * sealed and indexed; closed ones that were not yet moved to their day, or that a snapshot of the index lacks, are
 * moved; runs that nobody ended are ended. Killed at any point, the next start does the rest.
 */
export async function recover(
  port: RecoveryPort,
  lenses: readonly LensName[],
): Promise<Map<LensName, Recovered>> {
  const { reader, index } = port;
  if (reader.isSnapshot && reader.stoppedMs === undefined) await bringBackUnindexed(port);
  for (const lens of new Set([...lenses, ...reader.lenses()])) await recoverLens(port, lens);
  const stoppedMs = reader.stoppedMs;
  const recovered = new Map(lenses.map((lens) => [lens, stateOf(reader, lens, stoppedMs)]));
  await index.noteRunning();
  return recovered;
}

/**
 * Puts the files of one lens in order and ends the runs that nobody ended, while nothing is being recorded of it: at the
 * start, and after a run that the disk ended.
 */
export async function recoverLens(port: RecoveryPort, lens: LensName): Promise<void> {
  const { storageDir, disk, log } = port;
  const directory = join(storageDir, recordingDirectory(lens));
  for (const name of (await namesIn(directory)).sort()) {
    const path = join(directory, name);
    try {
      await recoverFile(port, lens, path);
    } catch (thrown) {
      const error = toAppError(thrown);
      if (!error.code.startsWith('MP4_') && !error.code.startsWith('SEGMENT_')) throw error;
      log.error({ err: error, lens, file: name }, 'open segment could not be recovered');
      await disk.rename(path, quarantinePath(storageDir, lens, name, 'unreadable'));
    }
  }
  await endRuns(port, lens);
}

async function endRuns({ reader, index, bootId, log }: RecoveryPort, lens: LensName): Promise<void> {
  for (const { run, ...open } of reader.runs.open().filter((one) => one.lens === lens)) {
    const endMs = reader.runs.lastEndMs(lens, run) ?? open.startMs;
    const reason = reasonOf(open.bootId, bootId);
    await index.endRun(lens, run, { endMs, reason });
    log.warn({ lens, run, reason }, 'run ended by recovery');
  }
}

/**
 * Where a lens stands that is to be recorded from now on while the agent runs. Up to now nobody wanted its footage, or
 * another camera's.
 */
export async function resume(
  { reader, index }: Pick<RecoveryPort, 'reader' | 'index'>,
  lens: LensName,
  nowMs: EpochMs,
): Promise<Recovered> {
  const { previous, absence } = stateOf(reader, lens, nowMs);
  if (!absence) return { previous, absence };
  if (absence.sinceMs < nowMs)
    await index.addAbsence({
      lens,
      startMs: absence.sinceMs,
      endMs: nowMs,
      reason: 'off',
      detail: undefined,
    });
  return {
    previous,
    absence: { sinceMs: Math.max(absence.sinceMs, nowMs), reason: 'no-signal', detail: undefined },
  };
}

/** What others recorded does not end because this program does. */
function reasonOf(runBootId: string, bootId: string): RunEndReason {
  if (runBootId === ADOPTED_BOOT) return 'stopped';
  return runBootId === bootId ? 'crashed' : 'power-loss';
}

function stateOf(reader: IndexReader, lens: LensName, stoppedMs: EpochMs | undefined): Recovered {
  const previous = reader.segments.lastSha256(lens);
  const run = reader.runs.last(lens);
  const [absence] = reader.absences.newest(lens, { startMs: 0, endMs: MAX_EPOCH_MS }, 1);
  const sinceMs = Math.max(run?.endMs ?? 0, absence?.endMs ?? 0);
  if (sinceMs === 0) return { previous, absence: undefined };
  // Only an orderly stop says that nothing was to be recorded.
  return {
    previous,
    absence: { sinceMs, reason: stoppedMs === undefined ? 'unexplained' : 'off', detail: undefined },
  };
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return [];
    throw thrown;
  }
}
