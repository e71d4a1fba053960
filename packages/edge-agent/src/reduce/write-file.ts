import { basename, dirname, join } from 'node:path';
import type { ExtentList } from '@gapless/shared/extents';
import { AppError } from '@gapless/shared/errors';
import type { Disk, DiskFile, DurableStep } from '@gapless/shared/fs';
import { writeDurably } from '@gapless/shared/fs';
import type { StepHook } from '@gapless/shared/lifecycle';

/** Larger writes are not faster, smaller ones are slower. */
const CHUNK_BYTES = 2 ** 20;

const STEPS = {
  write: 'reduce:1-write',
  'sync-file': 'reduce:2-sync-file',
  publish: 'reduce:3-publish',
  'sync-directory': 'reduce:4-sync-directory',
} as const;

interface WriteOptions {
  readonly disk: Disk;
  /** Whether a file that is there already may be replaced. */
  readonly force: boolean;
  readonly step: StepHook;
  readonly signal: AbortSignal;
  readonly onProgress?: (writtenBytes: number) => void;
}

/**
 * Writes an artifact under a partial name, syncs it and gives it its own: at every moment there is the whole file or none.
 *
 * @throws OUTPUT_EXISTS when there is a file already; STORAGE_* and EXTENT_SHORT as usual, and then nothing is left behind
 */
export async function writeFile(artifact: ExtentList, path: string, options: WriteOptions): Promise<void> {
  const { disk, force, step } = options;
  if (!force) await requireFree(disk, path);
  // A name that nobody else would choose: what an earlier run left there is removed.
  const partial = join(dirname(path), `.${basename(path)}.gapless-partial`);
  const before = async (next: DurableStep): Promise<void> => {
    // Somebody else may have been faster.
    if (next === 'publish' && !force) await requireFree(disk, path);
    step(STEPS[next]);
  };
  await writeDurably(disk, { path, partial, before }, (file) => copy(artifact, file, options));
}

/** Throws OUTPUT_EXISTS when there is a file at `path`. */
export async function requireFree(disk: Disk, path: string): Promise<void> {
  if ((await disk.sizeBytes(path)) === undefined) return;
  throw new AppError('OUTPUT_EXISTS', `${path} is there already`, {
    hint: 'Choose another name, or pass --force to replace it.',
  });
}

async function copy(
  artifact: ExtentList,
  file: DiskFile,
  { signal, onProgress }: WriteOptions,
): Promise<void> {
  let at = 0;
  const chunks = artifact.stream(0, artifact.length, { signal, chunkBytes: CHUNK_BYTES, reuse: true });
  for await (const chunk of chunks) {
    await file.write(chunk, at);
    at += chunk.length;
    onProgress?.(at);
  }
}
