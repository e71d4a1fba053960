import type { DurationMs, EpochMs } from '@gapless/shared/time';
import { DAY_MS } from '@gapless/shared/time';
import type { DayFacts } from '../index/day-queries.js';
import type { Day } from '../index/paths.js';
import { dayStartMs } from '../index/paths.js';

/**
 * Tombstones, absences and ended runs are kept for this long after the last of their day: long enough for a vehicle
 * that comes home once a month, and a few tens of megabytes a lens.
 */
export const KEEP_MS: DurationMs = 30 * DAY_MS;

export interface ForgettingFacts {
  readonly day: Day;
  readonly facts: DayFacts;
  readonly nowMs: EpochMs;
  /** The change sequence up to which central knows the catalogue; infinite for an agent without central. */
  readonly toldSeq: number;
}

/**
 * Whether a day can be forgotten: nothing of it or of its runs is on the disk, all of it is old, and central has been
 * told. Days are forgotten from the oldest on, so that what remains of a lens has no holes.
 */
export function mayForget({ day, facts, nowMs, toldSeq }: ForgettingFacts): boolean {
  const { segments, segmentsOfRuns, openRuns, filesLeft, newestMs, changeSeq } = facts;
  if (segments + segmentsOfRuns + openRuns + filesLeft > 0) return false;
  if (changeSeq > toldSeq) return false;
  const endMs = dayStartMs(day)! + DAY_MS;
  return Math.max(endMs, newestMs) + KEEP_MS <= nowMs;
}
