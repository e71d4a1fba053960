import { isName, isRunId, parseLensName, parseVehicleId } from '@gapless/shared/ids';
import { parseCompactUtc, SECOND_MS } from '@gapless/shared/time';
import type { Lens } from '../store/lenses.js';
import { transferOfUpload } from '../store/layout.js';
import type { StoreReader } from '../store/store.js';
import type { Finding } from './finding.js';

/** A file below one of the directories for footage. */
export interface FoundFile {
  readonly area: 'media' | 'assembly' | 'inbox';
  /** Absolute. */
  readonly path: string;
  /** Below the area, with forward slashes: `bus-042/front/…`. */
  readonly name: string;
  /** Below the data directory. */
  readonly relative: string;
}

/** Whether a row names a file. Invariant 3. */
export function checkFile(tables: StoreReader, file: FoundFile): Finding[] {
  // Given up, and about to go.
  if (tables.removals.has(file.relative)) return [];
  switch (file.area) {
    case 'media':
      return isNamedMedia(tables, file.name)
        ? []
        : [orphan(file, 'no object names it', { kind: 'quarantine-file', path: file.path })];
    case 'assembly':
      return isNamedAssembly(tables, file.name)
        ? []
        : [orphan(file, 'no object is put together in it', { kind: 'remove-file', path: file.path })];
    case 'inbox':
      return isNamedUpload(tables, file.name)
        ? []
        : [orphan(file, 'no transfer writes it', { kind: 'remove-file', path: file.path })];
  }
}

function orphan(file: FoundFile, message: string, repair: Finding['repair']): Finding {
  return { invariant: 3, subject: file.relative, message, repair };
}

function isNamedMedia(tables: StoreReader, name: string): boolean {
  const [vehicle, lensName, , file = ''] = name.split('/');
  const lens = lensOf(tables, vehicle, lensName);
  const [, start = '', , seq] = /^(\d{8}T\d{9}Z)_([0-9a-f]{6})_(\d{6})\.mp4$/.exec(file) ?? [];
  const startMs = parseCompactUtc(start);
  if (!lens || startMs === undefined) return false;
  const near = { startMs: Math.max(0, startMs - SECOND_MS), endMs: startMs + SECOND_MS };
  return (
    tables.objects.verified(lens.id, near).some(({ path }) => path === name) ||
    // Published and not yet committed: the next try to finish the object takes it back.
    tables.objects.receivingNear(lens.id, near).some((one) => one.expected && one.seq === Number(seq))
  );
}

function isNamedAssembly(tables: StoreReader, name: string): boolean {
  const [vehicle, lensName, file = ''] = name.split('/');
  const lens = lensOf(tables, vehicle, lensName);
  const [, run, seq] = /^(.+)-(\d{6})\.part$/.exec(file) ?? [];
  if (!lens || !isRunId(run)) return false;
  return tables.objects.byRef(lens.id, run, Number(seq))?.state === 'receiving';
}

function isNamedUpload(tables: StoreReader, name: string): boolean {
  const [vehicle, file = ''] = name.split('/');
  const id = transferOfUpload(file);
  const transfer = id === undefined ? undefined : tables.transfers.byId(id);
  const object = transfer && tables.objects.byId(transfer.objectId);
  return object !== undefined && tables.lenses.byId(object.lensId)?.vehicle === vehicle;
}

function lensOf(
  tables: StoreReader,
  vehicle: string | undefined,
  lens: string | undefined,
): Lens | undefined {
  if (!isName(vehicle) || !isName(lens)) return undefined;
  return tables.lenses.byPath(parseVehicleId(vehicle), parseLensName(lens));
}
