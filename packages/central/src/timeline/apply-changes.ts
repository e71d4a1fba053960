import { RangeSet } from '@gapless/shared/interval';
import type { AbsenceRow, Change, RunRow, SegmentRow, TombstoneRow } from '@gapless/shared/protocol';
import type { CoverageLayer } from '../store/coverage.js';
import type { Lens } from '../store/lenses.js';
import type { StoredObject } from '../store/objects.js';
import { missingBytes } from '../store/pieces.js';
import type { StoreWriter } from '../store/store.js';

/** A segment that the vehicle has closed, as the catalogue tells it. */
export interface ClosedSegment {
  readonly lens: Lens;
  readonly row: SegmentRow;
  /** The object, if bytes of it are here or asked for. */
  readonly objectId: number | undefined;
}

const LOST: readonly CoverageLayer[] = ['lost:evicted', 'lost:corrupt', 'lost:device-replaced'];
const ABSENT: readonly CoverageLayer[] = ['absent:off', 'absent:no-signal', 'absent:unexplained'];

/**
 * Brings central's coverage in line with what a vehicle says of itself. Applying a change twice ends in the same state.
 *
 * @returns the segments that were closed, so that what is complete here can be proven and the rest asked for
 */
export function applyChanges(
  tables: StoreWriter,
  vehicleId: number,
  changes: readonly Change[],
): ClosedSegment[] {
  const closed: ClosedSegment[] = [];
  for (const change of changes) {
    const lens = lensOf(tables, vehicleId, change.row.lens);
    switch (change.kind) {
      case 'run':
        applyRun(tables, lens, change.row);
        break;
      case 'segment':
        closed.push(applySegment(tables, lens, change.row));
        break;
      case 'tombstone':
        closed.push(...applyTombstone(tables, lens, change.row));
        break;
      case 'absence':
        applyAbsence(tables, lens, change.row);
        break;
    }
  }
  return closed;
}

function lensOf(tables: StoreWriter, vehicleId: number, name: Lens['name']): Lens {
  return tables.lenses.byName(vehicleId, name) ?? tables.lenses.ensure(vehicleId, name, 'off');
}

function applyRun(tables: StoreWriter, lens: Lens, row: RunRow): void {
  tables.lenses.setRun(tables.lenses.ensureRun(lens.id, row.run).id, row);
  tables.lenses.expectFrom(lens.id, row.startMs);
}

function applySegment(tables: StoreWriter, lens: Lens, row: SegmentRow): ClosedSegment {
  const extent = { startMs: row.startMs, endMs: row.endMs };
  const object = tables.objects.byRef(lens.id, row.run, row.seq);
  const holes = RangeSet.from(row.holes ?? [])
    .within(extent)
    .union(holesOf(object, row));
  const held = holes.complementWithin(extent);
  tables.lenses.expectFrom(lens.id, row.startMs);
  tables.coverage.add(lens.id, 'held', held);
  tables.coverage.remove(lens.id, 'formerly-held', held);
  for (const layer of [...LOST, ...ABSENT]) tables.coverage.remove(lens.id, layer, held);
  // The camera was there and gave nothing for a moment, inside a run.
  tables.coverage.add(lens.id, 'absent:no-signal', holes);
  if (object) tables.objects.expect(object.id, row);
  // Whoever tells of a segment that is verified here may not know so: its index was made anew.
  if (object?.state === 'verified' && object.expected?.sha256 === row.sha256)
    tables.objects.dueReceipt(object);
  return { lens, row, objectId: object?.id };
}

/** What central has measured of the same file counts before what the vehicle says of it. */
function holesOf(object: StoredObject | undefined, row: SegmentRow): RangeSet {
  if (object?.state !== 'verified' || object.expected?.sha256 !== row.sha256) return RangeSet.empty;
  return (object.holes ?? RangeSet.empty).within({ startMs: row.startMs, endMs: row.endMs });
}

/** @returns the segment if all of it is here: then it can be proven although the vehicle does not hold it any more */
function applyTombstone(tables: StoreWriter, lens: Lens, row: TombstoneRow): ClosedSegment[] {
  const range = [{ startMs: row.startMs, endMs: row.endMs }];
  for (const layer of ['held', 'formerly-held', ...ABSENT] as const)
    tables.coverage.remove(lens.id, layer, range);
  tables.coverage.add(lens.id, row.reason === 'corrupt' ? 'lost:corrupt' : 'lost:evicted', range);
  const object = tables.objects.byRef(lens.id, row.run, row.seq);
  if (object?.state !== 'receiving') return [];
  const transfer = tables.transfers.ofObject(object.id);
  if (transfer) tables.transfers.remove(transfer.id);
  tables.objects.expect(object.id, row);
  if (missingBytes(tables.pieces.of(object.id), row.sizeBytes).length === 0)
    return [{ lens, row: { ...row, firstFragment: 0, fragments: 1 }, objectId: object.id }];
  // What came of it will never be proven. It stays in its assembly, but nobody is told that it will be footage.
  tables.coverage.remove(lens.id, 'received', range);
  return [];
}

function applyAbsence(tables: StoreWriter, lens: Lens, row: AbsenceRow): void {
  const range = [{ startMs: row.startMs, endMs: row.endMs }];
  tables.lenses.expectFrom(lens.id, row.startMs);
  // An absence that goes on is told again with a later end, and perhaps a better reason.
  for (const layer of ABSENT) tables.coverage.remove(lens.id, layer, range);
  tables.coverage.add(lens.id, `absent:${row.reason}`, range);
}

/** The vehicle's index was made anew: what it held before is in doubt until it has told its catalogue again. */
export function beginNewEpoch(tables: StoreWriter, vehicleId: number, epoch: string): void {
  for (const lens of tables.lenses.ofVehicle(vehicleId)) {
    const hull = tables.coverage.hull(lens.id, 'held');
    if (!hull) continue;
    tables.coverage.add(lens.id, 'formerly-held', tables.coverage.within(lens.id, 'held', hull));
    tables.coverage.clear(lens.id, 'held');
  }
  tables.vehicles.beginCatalogue(vehicleId, epoch);
}

/** The vehicle has told everything it holds: what it held before its index was made anew and did not tell is gone. */
export function settleEpoch(tables: StoreWriter, vehicleId: number): void {
  for (const lens of tables.lenses.ofVehicle(vehicleId)) {
    const hull = tables.coverage.hull(lens.id, 'formerly-held');
    if (!hull) continue;
    tables.coverage.add(
      lens.id,
      'lost:device-replaced',
      tables.coverage.within(lens.id, 'formerly-held', hull),
    );
    tables.coverage.clear(lens.id, 'formerly-held');
  }
}
