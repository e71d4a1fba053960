import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { resolve } from 'node:path';
import type { AppError } from '@gapless/shared/errors';
import { cancelled } from '@gapless/shared/errors';
import type { Disk } from '@gapless/shared/fs';
import { writeDurably } from '@gapless/shared/fs';

/** Where the bytes of a command's result go; `-` stands for standard output. */
export interface Destination {
  readonly path: string;
  readonly disk: Disk;
  readonly stdout: NodeJS.WritableStream;
}

export interface Written {
  readonly bytes: number;
  readonly sha256: string;
}

/**
 * Writes a stream to where it is wanted. A file has its name only once it is whole and safe; whatever stops it leaves
 * nothing behind.
 *
 * @throws STORAGE_WRITE_FAILED, CANCELLED when nobody reads standard output any more, and what `chunks` throws
 */
export async function writeStream(
  chunks: AsyncIterable<Uint8Array>,
  { path, disk, stdout }: Destination,
  onProgress: (writtenBytes: number) => void,
): Promise<Written> {
  const hash = createHash('sha256');
  let bytes = 0;
  const counted = async (write: (chunk: Uint8Array, at: number) => Promise<void>): Promise<void> => {
    for await (const chunk of chunks) {
      await write(chunk, bytes);
      hash.update(chunk);
      bytes += chunk.length;
      onProgress(bytes);
    }
  };
  if (path === '-') {
    await counted(async (chunk) => {
      if (!stdout.writable) throw readerLeft();
      if (!stdout.write(chunk)) await once(stdout, 'drain').catch(() => Promise.reject(readerLeft()));
    });
  } else {
    const whole = resolve(path);
    await writeDurably(disk, { path: whole, partial: `${whole}.partial` }, (file) =>
      counted((chunk, at) => file.write(chunk, at)),
    );
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** `| head` closes the pipe early, which is the reader's right; but then not all was written. */
function readerLeft(): AppError {
  return cancelled('the reader of standard output closed it');
}
