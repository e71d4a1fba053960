import type { Disk, DiskFile } from '@gapless/shared/fs';
import { diskError, nodeDisk } from '@gapless/shared/fs';

export type Operation =
  | 'create'
  | 'open'
  | 'rename'
  | 'remove'
  | 'sync-directory'
  | 'size'
  | 'write'
  | 'read'
  | 'sync'
  | 'truncate'
  | 'close';

/** A real disk that fails as a test says. */
export class FaultyDisk implements Disk {
  /** Called before each operation; what it returns as an errno the operation fails with. */
  before: (operation: Operation, path: string) => string | undefined = () => undefined;
  /** Everything that was done, in order; failures are left out. */
  readonly done: { readonly operation: Operation; readonly path: string }[] = [];
  readonly #open = new Set<DiskFile>();

  /** Closes the files that nobody has closed, as the end of a process does. */
  async closeAll(): Promise<void> {
    for (const file of this.#open) await file.close();
    this.#open.clear();
  }

  async create(path: string, mode?: number): Promise<DiskFile> {
    return this.#file(path, await this.#run('create', path, () => nodeDisk.create(path, mode)));
  }

  async open(path: string): Promise<DiskFile> {
    return this.#file(path, await this.#run('open', path, () => nodeDisk.open(path)));
  }

  rename(from: string, to: string): Promise<void> {
    return this.#run('rename', from, () => nodeDisk.rename(from, to));
  }

  remove(path: string): Promise<void> {
    return this.#run('remove', path, () => nodeDisk.remove(path));
  }

  syncDirectory(directory: string): Promise<void> {
    return this.#run('sync-directory', directory, () => nodeDisk.syncDirectory(directory));
  }

  sizeBytes(path: string): Promise<number | undefined> {
    return this.#run('size', path, () => nodeDisk.sizeBytes(path));
  }

  #file(path: string, file: DiskFile): DiskFile {
    this.#open.add(file);
    return {
      write: async (bytes, offset) => {
        try {
          await this.#run('write', path, () => Promise.resolve());
        } catch (thrown) {
          // A full disk takes a part before it refuses.
          await file.write(bytes.subarray(0, bytes.length >> 1), offset);
          throw thrown;
        }
        await file.write(bytes, offset);
      },
      read: (into, offset) => this.#run('read', path, () => file.read(into, offset)),
      sync: () => this.#run('sync', path, () => file.sync()),
      truncate: (length) => this.#run('truncate', path, () => file.truncate(length)),
      sizeBytes: () => file.sizeBytes(),
      close: () =>
        this.#run('close', path, async () => {
          this.#open.delete(file);
          await file.close();
        }),
    };
  }

  async #run<T>(operation: Operation, path: string, run: () => Promise<T>): Promise<T> {
    const errno = this.before(operation, path);
    if (errno !== undefined)
      throw diskError(operation, path, Object.assign(new Error(errno), { code: errno }));
    const result = await run();
    this.done.push({ operation, path });
    return result;
  }
}
