import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MEMORY_DISK = '/dev/shm';

/** A directory that is gone afterwards; `inMemory` where no disk is to be measured. */
export async function inScratch<T>(
  work: (dir: string) => Promise<T>,
  { inMemory = false }: { readonly inMemory?: boolean } = {},
): Promise<T> {
  const parent = inMemory && existsSync(MEMORY_DISK) ? MEMORY_DISK : tmpdir();
  const dir = await mkdtemp(join(parent, 'gapless-bench-'));
  try {
    return await work(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
