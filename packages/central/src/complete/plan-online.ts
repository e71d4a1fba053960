import type { Random } from '@gapless/shared/ids';
import { newSortableId } from '@gapless/shared/ids';
import type { Range } from '@gapless/shared/interval';
import { RangeSet } from '@gapless/shared/interval';
import type { SegmentRow } from '@gapless/shared/protocol';
import type { EpochMs } from '@gapless/shared/time';
import type { Lens } from '../store/lenses.js';
import { missingBytes } from '../store/pieces.js';
import type { StoreWriter } from '../store/store.js';

/** A closed segment that is to be fetched, in full or in part. */
export interface Wanted {
  readonly lens: Lens;
  readonly row: SegmentRow;
}

export interface PlanContext {
  readonly nowMs: EpochMs;
  readonly random: Random;
  /** What central does not keep of a lens in a window: it is never asked for. */
  readonly notKept: (lensId: number, window: Range) => RangeSet;
}

/** A segment that was not what the vehicle says this often is not asked for any more until a person wants it. */
export const MAX_FAILURES = 3;

/** Whether central wants any of a closed segment's footage, whether it has it or not. */
export function isWanted(
  lensId: number,
  row: SegmentRow,
  { notKept }: Pick<PlanContext, 'notKept'>,
): boolean {
  const extent = { startMs: row.startMs, endMs: row.endMs };
  const footage = RangeSet.from(row.holes ?? []).complementWithin(extent);
  return !footage.subtract(notKept(lensId, extent)).isEmpty;
}

/**
 * Asks for segments without anyone's doing: the online request of each lens grows by them, or a new one begins. Runs in
 * the transaction that learnt of them, so that nothing is forgotten in between.
 */
export function askOnline(tables: StoreWriter, wanted: readonly Wanted[], context: PlanContext): void {
  const byLens = new Map<number, Wanted[]>();
  for (const one of wanted) byLens.set(one.lens.id, [...(byLens.get(one.lens.id) ?? []), one]);
  for (const [lensId, ofLens] of byLens) {
    const ranges = RangeSet.from(ofLens.map(({ row }) => ({ startMs: row.startMs, endMs: row.endMs })));
    const request = tables.requests.openOnline(lensId);
    const id = request?.id ?? newSortableId('req', context.nowMs, context.random);
    if (request) {
      tables.requests.setRanges(id, request.ranges.union(ranges));
    } else {
      tables.requests.add({
        id,
        lensId,
        mode: 'online',
        state: 'transferring',
        ranges,
        priority: 0,
        createdMs: context.nowMs,
        createdBy: 'online completion',
      });
    }
    for (const { row } of ofLens) queueTransfer(tables, { lensId, requestId: id, row }, context);
  }
}

/**
 * Queues the missing bytes of one segment; nothing happens when none are missing, or nobody wants them.
 *
 * @returns the object, if all of it is here and it only has to be proven
 */
export function queueTransfer(
  tables: StoreWriter,
  want: { lensId: number; requestId: string; row: SegmentRow },
  context: PlanContext,
): number | undefined {
  const { lensId, requestId, row } = want;
  if (!isWanted(lensId, row, context)) return undefined;
  const run = tables.lenses.ensureRun(lensId, row.run);
  const objectId = tables.objects.ensure({
    lensId,
    runId: run.id,
    seq: row.seq,
    startMs: row.startMs,
    endMs: row.endMs,
  });
  const object = tables.objects.byId(objectId)!;
  if (object.state === 'verified' || object.failures >= MAX_FAILURES) return undefined;
  tables.objects.expect(objectId, row);
  const bytes = missingBytes(tables.pieces.of(objectId), row.sizeBytes);
  if (bytes.length === 0) return objectId;
  tables.transfers.add({
    id: newSortableId('xfer', context.nowMs, context.random),
    requestId,
    objectId,
    bytes,
  });
  return undefined;
}
