import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { AppError, errnoOf } from '../errors/index.js';
import { diskError } from '../fs/index.js';
import type { Extent, FileExtent } from './extent.js';

/** Reads from extents; keeps the last file open, since neighbours mostly lie in the same file. */
export class ExtentReader implements AsyncDisposable {
  #open: { readonly path: string; readonly handle: FileHandle } | undefined;

  /**
   * Fills `into` with the extent's bytes from `from` on; the caller knows that there are enough.
   *
   * @throws EXTENT_SHORT when the file is gone or shorter than the extent says, STORAGE_* when it cannot be read
   */
  async read(extent: Extent, from: number, into: Uint8Array): Promise<void> {
    if (extent.kind === 'bytes') into.set(extent.bytes.subarray(from, from + into.length));
    else await this.#readFile(extent, extent.offset + from, into);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.handle.close();
  }

  async #readFile(extent: FileExtent, offset: number, into: Uint8Array): Promise<void> {
    const { path } = extent;
    const handle = await this.#handleOf(extent);
    for (let done = 0; done < into.length;) {
      const bytesRead = await readSome(path, handle, into.subarray(done), offset + done);
      if (bytesRead === 0)
        throw new AppError(
          'EXTENT_SHORT',
          `${path} ends at byte ${offset + done}; bytes up to ${offset + into.length} were promised`,
          { details: { path } },
        );
      done += bytesRead;
    }
  }

  async #handleOf({ path, movesTo }: FileExtent): Promise<FileHandle> {
    if (this.#open?.path === path) return this.#open.handle;
    await this[Symbol.asyncDispose]();
    const handle =
      (await openIfThere(path)) ?? (movesTo === undefined ? undefined : await openIfThere(movesTo));
    if (!handle) throw new AppError('EXTENT_SHORT', `${path} is not there any more`, { details: { path } });
    this.#open = { path, handle };
    return handle;
  }
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return undefined;
    throw diskError('open', path, thrown);
  }
}

async function readSome(path: string, handle: FileHandle, into: Uint8Array, offset: number): Promise<number> {
  try {
    return (await handle.read(into, 0, into.length, offset)).bytesRead;
  } catch (thrown) {
    throw diskError('read', path, thrown);
  }
}
