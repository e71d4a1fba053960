import { dirname, join } from 'node:path';
import type { AppError } from '@gapless/shared/errors';
import { toAppError } from '@gapless/shared/errors';
import type { Disk, DiskFile } from '@gapless/shared/fs';
import { Serial } from '@gapless/shared/lifecycle';
import { journalPath } from '../paths.js';
import type { JournalNote } from './entry.js';
import { formatEntry, MAX_LINE_BYTES } from './entry.js';

export interface JournalPort {
  readonly disk: Disk;
  /** Absolute path of the recordings. */
  readonly storageDir: string;
  /** The disk refused a line or a sync; what is missing is written again from the index. */
  readonly onError: (error: AppError) => void;
}

/** Takes down what the segments' files do not say themselves. */
export interface JournalSink {
  note(note: JournalNote): void;
}

/** More than this waits for no disk; the index has it all, and {@link Journal.isBehind} says that it is needed. */
const MAX_WAITING_BYTES = 4 * 2 ** 20;

/**
 * The journals beside the segments: what happened to the recordings, as lines of JSON in the directory of the day. They
 * follow the index, never lead it, and nothing waits for them but the removal of a file; `docs/design/index.md` says
 * what a crash between the two costs.
 */
export class Journal implements JournalSink {
  readonly #port: JournalPort;
  readonly #serial = new Serial();
  readonly #waiting = new Map<string, string[]>();
  #waitingBytes = 0;
  /** Files that were written since they were last synced. */
  readonly #unsynced = new Set<string>();
  /** Files whose end is known to be that of a line. */
  readonly #sound = new Set<string>();
  /** Files of which the disk may have lost any part since a sync of them failed. */
  readonly #doubtful = new Set<string>();
  #behind = false;
  #notedSeq = 0;

  constructor(port: JournalPort) {
    this.#port = port;
  }

  /** Every row changed up to here has been noted, unless the journal {@link isBehind}. */
  get notedSeq(): number {
    return this.#notedSeq;
  }

  /** Whether lines were lost to a failing disk, so that they must be noted again. */
  get isBehind(): boolean {
    return this.#behind;
  }

  /** Takes down a line. Returns at once; the line is written in its turn. */
  note({ lens, day, entry, changeSeq }: JournalNote): void {
    if (changeSeq !== undefined) this.#notedSeq = Math.max(this.#notedSeq, changeSeq);
    const path = join(this.#port.storageDir, journalPath(lens, day));
    const text = formatEntry(entry);
    if (this.#waitingBytes + text.length > MAX_WAITING_BYTES) {
      this.#behind = true;
      return;
    }
    if (this.#waiting.size === 0) void this.#serial.run(() => this.#writeOut());
    const lines = this.#waiting.get(path) ?? [];
    this.#waiting.set(path, lines);
    lines.push(text);
    this.#waitingBytes += text.length;
  }

  /**
   * Runs `noteAgain`, which notes every row that may have been lost up to `changeSeq`; a failure meanwhile leaves the
   * journal behind once more.
   */
  async catchUp(changeSeq: number, noteAgain: () => Promise<void>): Promise<void> {
    this.#behind = false;
    await noteAgain();
    this.#notedSeq = Math.max(this.#notedSeq, changeSeq);
  }

  /** Resolves when everything noted so far has been handed to the disk. */
  flush(): Promise<void> {
    return this.#serial.run(() => this.#writeOut());
  }

  /**
   * Makes everything noted so far survive a power cut.
   *
   * @returns the change sequence up to which the journal is complete; undefined if it is not, because of the disk
   */
  sync(): Promise<number | undefined> {
    return this.#serial.run(async () => {
      await this.#writeOut();
      const seq = this.#notedSeq;
      const directories = new Set<string>();
      for (const path of this.#unsynced) {
        if (!(await this.#attempt(() => this.#syncFile(path)))) {
          this.#doubtful.add(path);
          continue;
        }
        this.#unsynced.delete(path);
        directories.add(dirname(path));
      }
      for (const directory of directories) {
        await this.#attempt(() => this.#port.disk.syncDirectory(directory));
      }
      return this.#behind ? undefined : seq;
    });
  }

  /** A journal is about to be removed with its day. */
  forget(path: string): void {
    this.#sound.delete(path);
    this.#unsynced.delete(path);
    this.#doubtful.delete(path);
  }

  async #writeOut(): Promise<void> {
    const batch = [...this.#waiting];
    this.#waiting.clear();
    this.#waitingBytes = 0;
    for (const [path, lines] of batch) await this.#attempt(() => this.#append(path, lines.join('')));
  }

  async #append(path: string, text: string): Promise<void> {
    await this.#with(path, async (file) => {
      const size = this.#sound.has(path) ? await file.sizeBytes() : await cutTornLine(file);
      this.#sound.delete(path); // until the line is whole
      this.#unsynced.add(path);
      // Where the end of the line before may be lost, an empty line keeps the next one apart from what is left of it.
      const lead = this.#doubtful.has(path) ? '\n' : '';
      await file.write(Buffer.from(lead + text, 'utf8'), size);
      this.#doubtful.delete(path);
      this.#sound.add(path);
    });
  }

  async #syncFile(path: string): Promise<void> {
    if ((await this.#port.disk.sizeBytes(path)) === undefined) return; // removed with its day
    await this.#with(path, (file) => file.sync());
  }

  async #with(path: string, use: (file: DiskFile) => Promise<void>): Promise<void> {
    const { disk } = this.#port;
    const exists = (await disk.sizeBytes(path)) !== undefined;
    const file = await (exists ? disk.open(path) : disk.create(path));
    try {
      await use(file);
    } finally {
      await file.close();
    }
  }

  /** Recording must go on whatever becomes of the journal. */
  async #attempt(write: () => Promise<void>): Promise<boolean> {
    try {
      await write();
      return true;
    } catch (thrown) {
      this.#behind = true;
      this.#port.onError(toAppError(thrown));
      return false;
    }
  }
}

/** Cuts off what a crash left behind the last whole line; returns where the next one begins. */
async function cutTornLine(file: DiskFile): Promise<number> {
  const size = await file.sizeBytes();
  const block = new Uint8Array(MAX_LINE_BYTES);
  let end = size;
  while (end > 0) {
    const start = Math.max(0, end - block.length);
    const read = await file.read(block.subarray(0, end - start), start);
    const at = block.subarray(0, read).lastIndexOf(LINE_END);
    if (at >= 0) {
      end = start + at + 1;
      break;
    }
    end = start;
  }
  if (end < size) await file.truncate(end);
  return end;
}

const LINE_END = '\n'.charCodeAt(0);
