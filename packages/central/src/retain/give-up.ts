import { dirname } from 'node:path';
import type { Disk } from '@gapless/shared/fs';
import type { StepHook } from '@gapless/shared/lifecycle';
import type { Assemblies } from '../store/assemblies.js';
import type { DataLayout } from '../store/layout.js';
import type { Lens } from '../store/lenses.js';
import type { StoredObject } from '../store/objects.js';
import { coverageOfObject } from '../store/objects.js';
import type { Store, StoreWriter } from '../store/store.js';

export interface GiveUpPort {
  readonly store: Store;
  readonly assemblies: Pick<Assemblies, 'release' | 'isSettling'>;
  readonly layout: DataLayout;
  readonly disk: Disk;
  readonly step: StepHook;
}

/** Files whose removal is made to last together. */
const REMOVED_AT_ONCE = 100;

/**
 * Gives objects up. The numbered order is the one of `docs/design/durability.md`: first nothing names the file any more
 * and the timeline says so, then the file goes; a crash in between leaves a note by which the next start goes on.
 *
 * @param isStillUnused asked again inside the transaction
 * @returns how many objects and bytes were given up
 */
export async function giveUp(
  port: GiveUpPort,
  objects: readonly StoredObject[],
  isStillUnused: (objectId: number) => boolean,
): Promise<{ objects: number; bytes: number }> {
  const { store, assemblies, layout, step } = port;
  step('give-up:1-commit');
  const gone = await store.write((tables) => {
    const found = objects
      .flatMap(({ id }) => tables.objects.byId(id) ?? [])
      .filter(({ id }) => isStillUnused(id) && !assemblies.isSettling(id));
    for (const object of found) forget(tables, layout, object);
    return found;
  });
  for (const { id, state } of gone) if (state === 'receiving') await assemblies.release(id);
  await removeFiles(port);
  return {
    objects: gone.length,
    bytes: gone.reduce((sum, { expected }) => sum + (expected?.sizeBytes ?? 0), 0),
  };
}

/** Removes the files that were given up, also those that a crash left over. */
export async function removeFiles({ store, layout, disk, step }: GiveUpPort): Promise<void> {
  for (;;) {
    const paths = store.read.removals.next(REMOVED_AT_ONCE);
    if (paths.length === 0) return;
    step('give-up:2-remove');
    for (const path of paths) await disk.remove(layout.below(path));
    step('give-up:3-sync-directories');
    for (const directory of new Set(paths.map((path) => dirname(layout.below(path)))))
      if ((await disk.sizeBytes(directory)) !== undefined) await disk.syncDirectory(directory);
    step('give-up:4-forget');
    await store.write((tables) => {
      for (const path of paths) tables.removals.done(path);
    });
  }
}

function forget(tables: StoreWriter, layout: DataLayout, object: StoredObject): void {
  const lens = tables.lenses.byId(object.lensId)!;
  tables.removals.add(fileOf(layout, lens, object));
  tables.objects.remove(object);
  const extent = { startMs: object.startMs, endMs: object.endMs };
  if (object.state === 'receiving') {
    tables.coverage.remove(object.lensId, 'received', [extent]);
    return;
  }
  // Runs of a clock that was set back overlap: what another object shows of the same time stays verified.
  const gone = coverageOfObject(object).subtract(tables.objects.measured(object.lensId, extent));
  tables.coverage.remove(object.lensId, 'live', gone);
  tables.coverage.remove(object.lensId, 'fetched', gone);
  tables.coverage.add(object.lensId, 'expired', gone);
}

function fileOf(layout: DataLayout, { vehicle }: Lens, object: StoredObject): string {
  const path =
    object.state === 'verified' ? layout.media(object.path!) : layout.assembly(vehicle, object.lens, object);
  return layout.relative(path);
}
