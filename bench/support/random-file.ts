import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';

const PIECE_BYTES = 1024 * 1024;

/** Writes a file that nothing on the way can make smaller. */
export async function writeRandomFile(path: string, sizeBytes: number): Promise<string> {
  const file = await open(path, 'w');
  try {
    for (let written = 0; written < sizeBytes; written += PIECE_BYTES)
      await file.write(randomBytes(Math.min(PIECE_BYTES, sizeBytes - written)));
  } finally {
    await file.close();
  }
  return path;
}
