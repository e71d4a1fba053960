import { join } from 'node:path';
import { pathInside } from '@gapless/shared/fs';
import type { LensName, RunId, SegmentRef } from '@gapless/shared/ids';
import { segmentFileName, segmentFilePath } from '@gapless/shared/ids';
import type { EpochMs } from '@gapless/shared/time';
import { parseCompactUtc, utcDay } from '@gapless/shared/time';

/**
 * Where recordings lie below the storage directory, so that a person finds them without the agent. Re-timing a run
 * does not rename its files.
 *
 * ```
 * front/2026-08-22/20260822T165728123Z_3fa9c1_000012.mp4     closed
 * front/2026-08-22/journal.jsonl                             what the day's files do not say themselves
 * front/recording/20260822T165738123Z_3fa9c1_000013.mp4      being written
 * saloon/2026-08-22/20260822T165728123Z_81d2aa_000000.adopted  wrapper: the media lie with another recorder
 * front/quarantine/…                                         not trusted any more, kept
 * front/protections.jsonl                                    what must not be evicted
 * ```
 */
export interface SegmentFile extends SegmentRef {
  /** The start as it was believed when the file was opened. */
  readonly fileStartMs: EpochMs;
  /** Whether it is the wrapper of a segment whose media lie with another recorder. */
  readonly adopted?: boolean;
}

export function segmentPath(file: SegmentFile): string {
  return named(join(file.lens, segmentFilePath(file, file.fileStartMs)), file);
}

export function recordingDirectory(lens: LensName): string {
  return join(lens, 'recording');
}

export function recordingPath(file: SegmentFile): string {
  return named(join(recordingDirectory(file.lens), segmentFileName(file, file.fileStartMs)), file);
}

const WRAPPER_SUFFIX = '.adopted';

function named(path: string, { adopted }: SegmentFile): string {
  return adopted ? path.replace(/\.mp4$/, WRAPPER_SUFFIX) : path;
}

/** Whether a file is the wrapper of an adopted segment, by its name. */
export function isWrapperPath(path: string): boolean {
  return path.endsWith(WRAPPER_SUFFIX);
}

/** Where a file of a lens goes that is not trusted any more; `reason` says why in one word. */
export function quarantinePath(storageDir: string, lens: LensName, name: string, reason: string): string {
  return pathInside(storageDir, lens, 'quarantine', `${name}.${reason}`);
}

/** A UTC calendar day as the name of a directory: `2026-08-22`. */
export type Day = string;

/** Whether a directory of a lens is that of a day. */
export function isDay(name: string): name is Day {
  return /^\d{4}-\d\d-\d\d$/.test(name) && dayStartMs(name) !== undefined;
}

/** When a day begins; undefined for what is none. */
export function dayStartMs(day: Day): EpochMs | undefined {
  return parseCompactUtc(`${day.replaceAll('-', '')}T000000000Z`);
}

/** The day under which a segment lies, as long as there is anything to say of it. */
export function dayOfSegment(segment: Pick<SegmentFile, 'fileStartMs'>): Day {
  return utcDay(segment.fileStartMs);
}

/** The day in which a run began, as its id has it: re-timing changes neither. */
export function dayOfRun(run: RunId): Day {
  return `${run.slice(0, 4)}-${run.slice(4, 6)}-${run.slice(6, 8)}`;
}

export const PROTECTIONS_NAME = 'protections.jsonl';

/** Where the pins of a lens stand, below the storage directory. */
export function protectionsPath(lens: LensName): string {
  return join(lens, PROTECTIONS_NAME);
}

export const JOURNAL_NAME = 'journal.jsonl';

/** Where the journal of a lens's day lies below the storage directory. */
export function journalPath(lens: LensName, day: Day): string {
  return join(lens, day, JOURNAL_NAME);
}

/** What the name of a segment's file says. */
export interface SegmentFileName {
  readonly fileStartMs: EpochMs;
  /** The chance part of the run's id. */
  readonly runSuffix: string;
  readonly seq: number;
}

/** Reads what `segmentFileName` wrote; undefined for any other name. */
export function parseSegmentFileName(name: string): SegmentFileName | undefined {
  const match = /^(\d{8}T\d{9}Z)_([0-9a-f]{6})_(\d{6})\.(?:mp4|adopted)$/.exec(name);
  const fileStartMs = parseCompactUtc(match?.[1] ?? '');
  if (!match || fileStartMs === undefined) return undefined;
  return { fileStartMs, runSuffix: match[2]!, seq: Number(match[3]) };
}
