import { AppError, toAppError } from '@gapless/shared/errors';
import type { SegmentRef } from '@gapless/shared/ids';
import { segmentId } from '@gapless/shared/ids';
import type { Range } from '@gapless/shared/interval';
import { overlaps } from '@gapless/shared/interval';
import type { Log } from '@gapless/shared/log';
import type { RemoveInput } from '@gapless/shared/protocol';
import type { RemovalCandidate } from '../index/eviction-queries.js';
import type { IndexReader } from '../index/index-reader.js';
import type { LensRange } from '../index/selection.js';
import { selectedRange } from '../index/selection.js';
import type { Burial } from './burial.js';

export interface RemovalPort {
  readonly reader: IndexReader;
  readonly burial: Pick<Burial, 'bury'>;
  /** Whether a segment is being sent. */
  readonly isInUse: (segment: SegmentRef) => boolean;
  readonly log: Log;
}

/** What became of the segments that were to be removed. */
export interface Removed {
  /** Oldest first. */
  readonly removed: readonly RemovedSegment[];
  readonly removedBytes: number;
  /** Those among them that central does not have: they are lost. */
  readonly unreceipted: number;
}

export interface RemovedSegment extends SegmentRef, Range {
  readonly sizeBytes: number;
}

/** Segments that go in one batch: one commit, one sync of the journal. */
const BATCH = 64;

/**
 * Removes the closed segments that overlap a range, or one segment, in the order of `docs/design/durability.md`. Refuses
 * as a whole when one of them is protected or being sent, unless forced; pins stay, and protect what is recorded there
 * later. What the disk does not let go is gone from the catalogue, and is tried again.
 *
 * @throws LENS_UNKNOWN, SEGMENT_GONE, REMOVE_PROTECTED, REMOVE_IN_USE, STORAGE_WRITE_FAILED, DATABASE_*
 */
export async function remove(
  port: RemovalPort,
  { selection: selected, force = false, dryRun = false }: RemoveInput,
): Promise<Removed> {
  const { reader, burial, log } = port;
  const { lens, range } = selectedRange(reader, selected);
  const segments = reader.eviction
    .overlapping(lens, range)
    .filter((one) => 'range' in selected || segmentId(one) === segmentId(selected.segment));
  if (!force) requireRemovable(port, { lens, range }, segments);
  if (dryRun) return outcome(segments, segments);
  const removed: RemovedSegment[] = [];
  let failure: unknown;
  for (let at = 0; at < segments.length; at += BATCH) {
    const batch = segments.slice(at, at + BATCH);
    // A transfer may have begun while the batch before was removed.
    if (!force) requireNotInUse(port, batch);
    const done = await burial.bury(batch, 'removed', { evenProtected: force });
    removed.push(...done.removed, ...done.left);
    failure ??= done.failure;
  }
  const result = outcome(removed, segments);
  const { removedBytes: bytes, unreceipted } = result;
  if (removed.length > 0)
    log.warn({ lens, segments: removed.length, bytes, unreceipted, force }, 'segments removed on request');
  if (failure !== undefined) throw toAppError(failure);
  return result;
}

function outcome(removed: readonly RemovedSegment[], segments: readonly RemovalCandidate[]): Removed {
  const receipted = new Set(segments.filter((one) => one.receipted).map(segmentId));
  return {
    removed,
    removedBytes: removed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    unreceipted: removed.filter((one) => !receipted.has(segmentId(one))).length,
  };
}

function requireRemovable(
  port: RemovalPort,
  { lens, range }: LensRange,
  segments: readonly RemovalCandidate[],
): void {
  const kept = segments.filter(({ isProtected }) => isProtected);
  if (kept.length > 0) {
    const pins = port.reader.protections.ofLens(lens).filter((pin) => overlaps(pin, range));
    const holders = [...new Set(pins.map(({ holder }) => holder))];
    throw new AppError(
      'REMOVE_PROTECTED',
      `${kept.length} of ${segments.length} segments are protected by ${holders.join(', ')}`,
      { details: { holders }, hint: 'Let the holders take their protections back, or use --force.' },
    );
  }
  requireNotInUse(port, segments);
}

function requireNotInUse({ isInUse }: RemovalPort, segments: readonly RemovalCandidate[]): void {
  const sent = segments.find(isInUse);
  if (!sent) return;
  throw new AppError('REMOVE_IN_USE', `${segmentId(sent)} is being sent`, {
    hint: 'Try again once central has it, or use --force.',
  });
}
