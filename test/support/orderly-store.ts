import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { newSortableId, segmentId } from '@gapless/shared/ids';
import type { Range } from '@gapless/shared/interval';
import { RangeSet } from '@gapless/shared/interval';
import { openDatabase } from '@gapless/shared/sqlite';
import type { MadeSegment } from '../../fixtures/media/index.js';
import type { Lens, StoredObject, Vehicle } from '../../packages/central/src/store/index.js';
import { storeSchema, uploadName } from '../../packages/central/src/store/index.js';
import { CentralKit } from './central-kit.js';
import type { SignedSegment } from './signed-segments.js';
import { signSegment } from './signed-segments.js';

/** A store in order: three stored segments, one half received with a transfer, one file in quarantine, an hour given up. */
export interface OrderlyStore {
  readonly kit: CentralKit;
  readonly vehicle: Vehicle;
  readonly lens: Lens;
  readonly segments: readonly SignedSegment[];
  readonly stored: readonly StoredObject[];
  readonly receiving: StoredObject;
  /** Of a request that has ended. */
  readonly ended: string;
  readonly sql: (sql: string, ...bind: unknown[]) => void;
}

export async function orderlyStore(made: readonly MadeSegment[]): Promise<OrderlyStore> {
  const kit = await CentralKit.create(Date.UTC(2026, 7, 22, 17));
  const vehicle = await kit.enrol();
  const lens = await kit.lens(vehicle);
  await kit.lens(vehicle, 'rear', 'off');
  const evidenceKey = kit.keys.get(vehicle.name)!.evidence;
  const segments: SignedSegment[] = [];
  for (const one of made.slice(0, 4))
    segments.push(await signSegment(one, { vehicle: vehicle.name, lens: lens.name, evidenceKey }));
  const stored: StoredObject[] = [];
  for (const segment of segments.slice(0, 3)) stored.push(await kit.keep(lens, segment));
  const receiving = await kit.expect(lens, segments[3]!.row);
  await kit.arrive(receiving, segments[3]!, segments[3]!.parts.slice(0, 2));
  const startMs = stored[0]!.startMs - 7_200_000;
  await kit.cover(lens, 'expired', [{ startMs, endMs: startMs + 3_600_000 }]);
  await leave(kit.layout.quarantine('bad'));
  const active = newSortableId('req', kit.clock.nowMs(), kit.random);
  const ended = newSortableId('req', kit.clock.nowMs(), kit.random);
  const transfer = newSortableId('xfer', kit.clock.nowMs(), kit.random);
  await kit.store.write((tables) => {
    tables.quarantine.add({
      lensId: lens.id,
      segment: segmentId(stored[0]!),
      atMs: 1,
      reason: 'VERIFY_UNREADABLE',
      path: 'bad',
    });
    for (const id of [active, ended])
      tables.requests.add({
        id,
        lensId: lens.id,
        mode: 'online',
        state: 'transferring',
        ranges: RangeSet.of(extentOf(receiving)),
        priority: 0,
        createdMs: 1,
        createdBy: 'test',
      });
    tables.requests.finish(ended, { state: 'done', reason: undefined, finishedMs: 2 });
    tables.transfers.add({
      id: transfer,
      requestId: active,
      objectId: receiving.id,
      bytes: [{ from: 0, to: 10 }],
    });
  });
  await leave(join(kit.layout.inboxDir, vehicle.name, uploadName(transfer, 'a'.repeat(64))));
  const sql = (text: string, ...bind: unknown[]): void => {
    kit.store.flush();
    const database = openDatabase(join(kit.dataDir, 'central.sqlite'), storeSchema);
    database.pragma('foreign_keys = OFF');
    database.prepare(text).run(...bind);
    database.close();
  };
  return { kit, vehicle, lens, segments, stored, receiving, ended, sql };
}

export function extentOf({ startMs, endMs }: Range): Range {
  return { startMs, endMs };
}

/** Leaves a file that nobody asked for. */
export async function leave(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, 'left over');
}
