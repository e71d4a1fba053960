import { basename, dirname } from 'node:path';
import type { Disk } from '@gapless/shared/fs';
import { publishFile } from '@gapless/shared/fs';
import { RangeSet } from '@gapless/shared/interval';
import type { Clock } from '@gapless/shared/time';
import type { CoverageLayer } from '../store/coverage.js';
import { coverageLayers } from '../store/coverage.js';
import type { DataLayout } from '../store/layout.js';
import { coverageOfObject } from '../store/objects.js';
import type { Store, StoreWriter } from '../store/store.js';
import type { Report } from './check.js';
import { layersOf, measuredOf } from './check-lens.js';
import type { Finding, Repair } from './finding.js';

export interface RepairPort {
  /** Opened alone: nobody else may be writing. */
  readonly store: Store;
  readonly layout: DataLayout;
  readonly disk: Disk;
  readonly clock: Clock;
}

/** More rounds than one repair can uncover, such as the upload of a transfer that went. */
const MAX_ROUNDS = 5;

/** Objects first, since coverage follows from them. */
const ORDER: readonly Repair['kind'][] = ['object', 'pieces', 'layer', 'coverage', 'count'];

/**
 * Puts right what follows from what is known, and looks again, until nothing is found that could be put right. Footage is
 * never removed: a file of it that nothing names goes to quarantine.
 *
 * @returns what was put right, and what is still found
 */
export async function repairAll(
  port: RepairPort,
  look: () => Promise<Report>,
): Promise<{ repaired: Finding[]; left: Report }> {
  const repaired: Finding[] = [];
  let left = await look();
  for (let round = 0; round < MAX_ROUNDS && left.findings.some(({ repair }) => repair); round++) {
    repaired.push(...(await repairFound(port, left.findings)));
    left = await look();
  }
  return { repaired, left };
}

async function repairFound(port: RepairPort, findings: readonly Finding[]): Promise<Finding[]> {
  const rank = ({ repair }: Finding): number => ORDER.indexOf(repair!.kind);
  const repairable = findings.filter(({ repair }) => repair !== undefined).sort((a, b) => rank(a) - rank(b));
  for (const { repair } of repairable) await put(port, repair!);
  return repairable;
}

async function put(port: RepairPort, repair: Repair): Promise<void> {
  const { store, layout, disk } = port;
  switch (repair.kind) {
    case 'object':
      await reopenObject(port, repair.objectId);
      return;
    case 'remove-file':
      await disk.remove(repair.path);
      await disk.syncDirectory(dirname(repair.path));
      return;
    case 'quarantine-file':
      await publishFile(
        disk,
        repair.path,
        layout.quarantine(`${basename(repair.path)}.${port.clock.nowMs()}.orphan`),
      );
      return;
    default:
      await store.write((tables) => putRows(tables, repair));
  }
}

function putRows(
  tables: StoreWriter,
  repair: Exclude<Repair, { kind: 'object' | 'remove-file' | 'quarantine-file' }>,
): void {
  switch (repair.kind) {
    case 'coverage':
      putCoverage(tables, repair.lensId);
      return;
    case 'layer':
      putLayer(tables, repair.lensId, repair.layer);
      return;
    case 'count':
      tables.upkeep.countStored(repair.lensId);
      return;
    case 'pieces':
      tables.pieces.clear(repair.objectId);
      return;
    case 'transfer':
      tables.transfers.remove(repair.transferId);
      return;
    case 'receipt': {
      const object = tables.objects.byId(repair.objectId);
      if (object) tables.upkeep.renumberReceipt(object);
      return;
    }
    case 'quarantine-row':
      tables.upkeep.dropQuarantined(repair.id);
      return;
    case 'removal':
      tables.removals.done(`media/${repair.path}`);
      return;
  }
}

/** What is left of the file goes to quarantine; the object is asked for again, and the timeline says that it is not here. */
async function reopenObject({ store, layout, disk, clock }: RepairPort, objectId: number): Promise<void> {
  const object = store.read.objects.byId(objectId);
  if (object?.state !== 'verified') return;
  const file = layout.media(object.path!);
  if ((await disk.sizeBytes(file)) !== undefined)
    await publishFile(disk, file, layout.quarantine(`${basename(file)}.${clock.nowMs()}.damaged`));
  await store.write((tables) => {
    tables.upkeep.reopen(objectId);
    const extent = { startMs: object.startMs, endMs: object.endMs };
    const gone = coverageOfObject(object).subtract(tables.objects.measured(object.lensId, extent));
    tables.coverage.remove(object.lensId, 'live', gone);
    tables.coverage.remove(object.lensId, 'fetched', gone);
    tables.upkeep.countStored(object.lensId);
  });
}

/** From the objects. How footage that the layers had forgotten came is not known any more: it counts as completed. */
function putCoverage(tables: StoreWriter, lensId: number): void {
  const layers = layersOf(tables.upkeep.ranges(lensId));
  const of = (layer: CoverageLayer): RangeSet => layers.get(layer) ?? RangeSet.empty;
  const measured = measuredOf(tables, tables.lenses.byId(lensId)!, of('live').union(of('fetched')));
  const live = of('live').intersect(measured);
  tables.upkeep.setLayer(lensId, 'live', live);
  tables.upkeep.setLayer(lensId, 'fetched', measured.subtract(live));
  tables.upkeep.setLayer(lensId, 'expired', of('expired').subtract(measured));
}

function putLayer(tables: StoreWriter, lensId: number, layer: string): void {
  const ranges = layersOf(tables.upkeep.ranges(lensId)).get(layer) ?? RangeSet.empty;
  if (coverageLayers.includes(layer as CoverageLayer))
    tables.upkeep.setLayer(lensId, layer as CoverageLayer, ranges);
  else tables.upkeep.dropLayer(lensId, layer);
}
