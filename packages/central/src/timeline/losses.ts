import type { LensName } from '@gapless/shared/ids';
import type { Range } from '@gapless/shared/interval';
import { RangeSet } from '@gapless/shared/interval';
import type { Change, TombstoneReason, TombstoneRow } from '@gapless/shared/protocol';
import type { CoverageLayer } from '../store/coverage.js';
import { missingBytes } from '../store/pieces.js';
import type { StoreWriter } from '../store/store.js';

/** Footage of which central learns that nobody has it any more. */
export interface Loss {
  readonly lens: LensName;
  readonly reason: TombstoneReason;
  /** What central has nothing of, and knew nothing of the loss before. */
  readonly ranges: RangeSet;
}

/** What central has or had, or knows already to be lost. */
const NO_LOSS: readonly CoverageLayer[] = ['live', 'fetched', 'expired', 'lost:evicted', 'lost:corrupt'];

/**
 * What is lost by changes that are about to be applied: what the vehicle deleted and central has not proven to hold. A
 * tombstone that is told again tells of no further loss.
 */
export function lossesOf(tables: StoreWriter, vehicleId: number, changes: readonly Change[]): Loss[] {
  const losses = changes.flatMap((change) =>
    change.kind === 'tombstone' ? (lossOf(tables, vehicleId, change.row) ?? []) : [],
  );
  const joined = new Map<string, Loss>();
  for (const loss of losses) {
    const key = `${loss.lens} ${loss.reason}`;
    const before = joined.get(key);
    joined.set(key, before ? { ...before, ranges: before.ranges.union(loss.ranges) } : loss);
  }
  return [...joined.values()];
}

function lossOf(tables: StoreWriter, vehicleId: number, row: TombstoneRow): Loss | undefined {
  const extent: Range = { startMs: row.startMs, endMs: row.endMs };
  const lens = tables.lenses.byName(vehicleId, row.lens);
  let ranges = RangeSet.of(extent);
  if (lens) {
    for (const layer of NO_LOSS) ranges = ranges.subtract(tables.coverage.within(lens.id, layer, extent));
    const object = tables.objects.byRef(lens.id, row.run, row.seq);
    // All of it is here, and about to be proven.
    if (
      object?.state === 'receiving' &&
      missingBytes(tables.pieces.of(object.id), row.sizeBytes).length === 0
    )
      return undefined;
  }
  return ranges.isEmpty ? undefined : { lens: row.lens, reason: row.reason, ranges };
}
