import type { Disk } from '@gapless/shared/fs';
import type { SftpEvents } from './access.js';
import { PartialFile } from './partial-file.js';

/** Files that nobody writes are remembered, for their mark and running hash, up to this many. */
const REMEMBERED = 1024;

/** Every partial file of the server, each exactly once: that is what gives it one writer over all sessions. */
export class PartialFiles {
  readonly #disk: Disk;
  readonly #events: SftpEvents;
  /** In the order of last use, the oldest first. */
  readonly #files = new Map<string, PartialFile>();

  constructor(disk: Disk, events: SftpEvents) {
    this.#disk = disk;
    this.#events = events;
  }

  /** The partial file at `file`, remembered or new. */
  at(file: string): PartialFile {
    const partial = this.#files.get(file) ?? new PartialFile(this.#disk, file, this.#events);
    this.#files.delete(file);
    this.#files.set(file, partial);
    this.#forgetOldest(partial);
    return partial;
  }

  /** The partial file at `file` if it is remembered. */
  find(file: string): PartialFile | undefined {
    return this.#files.get(file);
  }

  /** Ends whoever writes `file` and forgets it; resolves when nothing touches it any more. */
  async release(file: string): Promise<void> {
    const partial = this.#files.get(file);
    if (!partial) return;
    await partial.dispose();
    // Were it opened again meanwhile, forgetting it would give the file a second writer.
    if (partial.isIdle) this.#files.delete(file);
  }

  async releaseAll(): Promise<void> {
    await Promise.all([...this.#files.keys()].map((file) => this.release(file)));
  }

  #forgetOldest(wanted: PartialFile): void {
    if (this.#files.size <= REMEMBERED) return;
    for (const [file, partial] of this.#files) {
      if (partial.isIdle && partial !== wanted) this.#files.delete(file);
      if (this.#files.size <= REMEMBERED) return;
    }
  }
}
