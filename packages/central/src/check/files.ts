import { readdir } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { errnoOf } from '@gapless/shared/errors';
import { diskError } from '@gapless/shared/fs';
import type { FoundFile } from './check-files.js';

/** Where footage lies. */
export interface FootagePlaces {
  readonly dataDir: string;
  /** May lie elsewhere, when an outside server takes the uploads. */
  readonly inboxDir: string;
}

/** Every file of footage, directory by directory; nothing of a large store is held in memory. */
export async function* footageFiles(places: FootagePlaces): AsyncGenerator<FoundFile, void, undefined> {
  const areas = [
    ['media', join(places.dataDir, 'media')],
    ['assembly', join(places.dataDir, 'assembly')],
    ['inbox', places.inboxDir],
  ] as const;
  for (const [area, root] of areas)
    for await (const path of filesBelow(root)) {
      yield {
        area,
        path,
        name: relative(root, path).split(sep).join('/'),
        relative: relative(places.dataDir, path).split(sep).join('/'),
      };
    }
}

async function* filesBelow(directory: string): AsyncGenerator<string, void, undefined> {
  let entries;
  try {
    entries = await readdir(directory, { withFileTypes: true });
  } catch (thrown) {
    // Removed meanwhile, or never made.
    if (errnoOf(thrown) === 'ENOENT') return;
    throw diskError('list', directory, thrown);
  }
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else yield path;
  }
}
