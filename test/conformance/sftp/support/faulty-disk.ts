import type { Disk, DiskFile } from '@gapless/shared/fs';
import { diskError, nodeDisk } from '@gapless/shared/fs';

type Operation = 'write' | 'sync' | 'truncate' | 'close' | 'read';

/** A real disk that fails, or takes its time, when a test says so. */
export class FaultyDisk implements Disk {
  /** Called before each operation on a file; what it throws as an errno the operation fails with. */
  before: (operation: Operation, offset: number) => Promise<string | undefined> | string | undefined = () =>
    undefined;
  readonly operations: Operation[] = [];
  bytesWritten = 0;

  create = async (path: string, mode?: number): Promise<DiskFile> =>
    this.#wrap(path, await nodeDisk.create(path, mode));
  open = async (path: string): Promise<DiskFile> => this.#wrap(path, await nodeDisk.open(path));
  rename = (from: string, to: string): Promise<void> => nodeDisk.rename(from, to);
  remove = (path: string): Promise<void> => nodeDisk.remove(path);
  syncDirectory = (directory: string): Promise<void> => nodeDisk.syncDirectory(directory);
  sizeBytes = (path: string): Promise<number | undefined> => nodeDisk.sizeBytes(path);

  #wrap(path: string, file: DiskFile): DiskFile {
    const check = async (operation: Operation, offset = 0): Promise<void> => {
      const errno = await this.before(operation, offset);
      if (errno !== undefined)
        throw diskError(operation, path, Object.assign(new Error(errno), { code: errno }));
      this.operations.push(operation);
    };
    return {
      write: async (bytes, offset) => {
        try {
          await check('write', offset);
        } catch (thrown) {
          // A full disk takes a part before it refuses.
          await file.write(bytes.subarray(0, bytes.length >> 1), offset);
          throw thrown;
        }
        await file.write(bytes, offset);
        this.bytesWritten += bytes.length;
      },
      read: async (into, offset) => {
        await check('read', offset);
        return file.read(into, offset);
      },
      sync: async () => {
        await check('sync');
        await file.sync();
      },
      truncate: async (length) => {
        await check('truncate', length);
        await file.truncate(length);
      },
      sizeBytes: () => file.sizeBytes(),
      close: async () => {
        await file.close();
        await check('close');
      },
    };
  }
}
