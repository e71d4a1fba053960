import { readdir, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errnoOf } from '@gapless/shared/errors';
import type { Disk } from '@gapless/shared/fs';
import type { LensName } from '@gapless/shared/ids';
import { every } from '@gapless/shared/lifecycle';
import type { Clock } from '@gapless/shared/time';
import { HOUR_MS } from '@gapless/shared/time';
import type { IndexReader } from '../index/index-reader.js';
import type { IndexWriter } from '../index/index-writer.js';
import type { Day } from '../index/paths.js';
import { isDay, journalPath } from '../index/paths.js';
import { mayForget } from './forgetting-policy.js';

export interface ForgettingPort {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly reader: IndexReader;
  readonly index: IndexWriter;
  readonly journal: { forget(path: string): void };
  readonly storageDir: string;
  /** The change sequence up to which central knows the catalogue; infinite for an agent without central. */
  readonly toldSeq: () => number;
}

const LOOK_MS = HOUR_MS;

/** Forgets old days once an hour until the signal aborts. */
export function keepForgetting(port: ForgettingPort, signal: AbortSignal): Promise<void> {
  return every(port.clock, LOOK_MS, signal, () => forgetDays(port));
}

/**
 * Forgets the days of which nothing is left but what was said of them, the oldest first, one a lens and look: first
 * the rows, then the journal, then the directory. A crash in between leaves a journal that says more than the index,
 * and the next look finishes.
 */
export async function forgetDays(port: ForgettingPort): Promise<void> {
  for (const lens of port.reader.lenses()) {
    const [day] = await daysOf(port.storageDir, lens);
    if (day !== undefined) await forgetDay(port, lens, day);
  }
}

async function forgetDay(port: ForgettingPort, lens: LensName, day: Day): Promise<void> {
  const { reader, index, journal, disk, clock, storageDir, toldSeq } = port;
  const facts = reader.days.facts(lens, day);
  if (!mayForget({ day, facts, nowMs: clock.nowMs(), toldSeq: toldSeq() })) return;
  await index.forgetDay(lens, day);
  const path = join(storageDir, journalPath(lens, day));
  journal.forget(path);
  await disk.remove(path);
  await removeEmpty(dirname(path));
  await disk.syncDirectory(join(storageDir, lens));
}

async function daysOf(storageDir: string, lens: LensName): Promise<Day[]> {
  try {
    return (await readdir(join(storageDir, lens))).filter(isDay).sort();
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return [];
    throw thrown;
  }
}

/** A directory in which somebody keeps something else stays. */
async function removeEmpty(directory: string): Promise<void> {
  try {
    await rmdir(directory);
  } catch (thrown) {
    if (errnoOf(thrown) !== 'ENOTEMPTY' && errnoOf(thrown) !== 'ENOENT') throw thrown;
  }
}
