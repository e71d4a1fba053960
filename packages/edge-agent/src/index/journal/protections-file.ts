import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '@gapless/shared/errors';
import type { Disk } from '@gapless/shared/fs';
import { writeFileDurably } from '@gapless/shared/fs';
import type { LensName } from '@gapless/shared/ids';
import { protectionsPath } from '../paths.js';
import type { ProtectionRecord } from '../rows.js';
import { formatEntry, protectionEntry } from './entry.js';

/** What the file of a lens's pins has to say. */
export function protectionsText(pins: readonly ProtectionRecord[]): string {
  return pins.map((pin) => formatEntry(protectionEntry(pin))).join('');
}

/** What the file of a lens's pins says; nothing if there is none. */
export async function readProtections(storageDir: string, lens: LensName): Promise<string> {
  try {
    return await readFile(join(storageDir, protectionsPath(lens)), 'utf8');
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return '';
    throw thrown;
  }
}

/**
 * Writes the pins of a lens beside its recordings, so that a rebuilt index knows them. Unlike a journal the file is
 * replaced as a whole: pins are few, belong to no day, and what was taken back is to leave no trace.
 *
 * @throws STORAGE_WRITE_FAILED
 */
export async function writeProtections(
  { disk, storageDir }: { readonly disk: Disk; readonly storageDir: string },
  lens: LensName,
  pins: readonly ProtectionRecord[],
): Promise<void> {
  const path = join(storageDir, protectionsPath(lens));
  await writeFileDurably(disk, path, Buffer.from(protectionsText(pins), 'utf8'), 0o640);
}
