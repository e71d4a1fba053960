import { basename, dirname, join } from 'node:path';
import type { Disk } from '@gapless/shared/fs';
import type { SegmentRef } from '@gapless/shared/ids';
import type { StepHook } from '@gapless/shared/lifecycle';
import type { TombstoneReason } from '@gapless/shared/protocol';
import type { Clock } from '@gapless/shared/time';
import type { IndexReader } from '../index/index-reader.js';
import type { IndexWriter } from '../index/index-writer.js';
import { quarantinePath, recordingPath, segmentPath } from '../index/paths.js';
import type { TombstoneRecord } from '../index/rows.js';

export interface BurialPort {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly reader: IndexReader;
  readonly index: IndexWriter;
  readonly journal: { sync(): Promise<unknown> };
  /** Absolute path of the recordings. */
  readonly storageDir: string;
  readonly step: StepHook;
}

/** What became of the files of tombstones. */
export interface Removal {
  readonly removed: readonly TombstoneRecord[];
  /** Those that the disk would not let go; they are tried again later. */
  readonly left: readonly TombstoneRecord[];
  /** Why the first of them was left. */
  readonly failure: unknown;
}

const BATCH = 100;

/**
 * Deletes segments in the numbered order of `docs/design/durability.md`, so that at every moment the index, the journal
 * or the file itself says what became of it. A file that is damaged is not deleted, but kept in quarantine.
 */
export class Burial {
  readonly #port: BurialPort;

  constructor(port: BurialPort) {
    this.#port = port;
  }

  /**
   * Buries segments; those that are gone already are left out. Resolves when their files are removed durably.
   *
   * @param options `evenProtected`: protection is no reason to leave a segment out; it never is for a damaged one
   */
  async bury(
    segments: readonly SegmentRef[],
    reason: TombstoneReason,
    { evenProtected = reason === 'corrupt' }: { readonly evenProtected?: boolean } = {},
  ): Promise<Removal> {
    const { index, clock, step } = this.#port;
    step('evict:1-tombstones');
    const tombstones = await index.buryMany(segments, { deletedMs: clock.nowMs(), reason, evenProtected });
    return this.#removeFiles(tombstones);
  }

  /** Goes on with what a crash or the disk interrupted. */
  async finish(): Promise<Removal> {
    return this.#removeFiles(this.#port.reader.tombstones.withFilesLeft(BATCH));
  }

  async #removeFiles(tombstones: readonly TombstoneRecord[]): Promise<Removal> {
    const { disk, index, journal, step } = this.#port;
    if (tombstones.length === 0) return { removed: [], left: [], failure: undefined };
    // The journal reports its own failures: a disk too full for a line must not keep files from being removed.
    step('evict:2-journal');
    await journal.sync();
    step('evict:3-remove');
    const removed: TombstoneRecord[] = [];
    const left: TombstoneRecord[] = [];
    const directories = new Set<string>();
    let failure: unknown;
    for (const tombstone of tombstones) {
      try {
        for (const directory of await this.#removeFile(tombstone)) directories.add(directory);
        removed.push(tombstone);
      } catch (thrown) {
        left.push(tombstone);
        failure ??= thrown;
      }
    }
    step('evict:4-sync-directories');
    try {
      for (const directory of directories) await disk.syncDirectory(directory);
    } catch (thrown) {
      return { removed: [], left: tombstones, failure: failure ?? thrown };
    }
    step('evict:5-gone');
    if (removed.length > 0) void index.noteFilesGone(removed).catch(() => undefined);
    return { removed, left, failure };
  }

  /** Returns the directories that changed. */
  async #removeFile(tombstone: TombstoneRecord): Promise<string[]> {
    const { disk, storageDir } = this.#port;
    const changed: string[] = [];
    // A segment whose last renaming failed still lies where it was recorded. Of an adopted one, its wrapper is all that is ours.
    const files = [tombstone, { ...tombstone, adopted: true }];
    const paths = files.flatMap((file) => [segmentPath(file), recordingPath(file)]);
    for (const path of paths.map((at) => join(storageDir, at))) {
      if ((await disk.sizeBytes(path)) === undefined) continue;
      changed.push(dirname(path));
      if (tombstone.reason === 'corrupt') {
        const to = quarantinePath(storageDir, tombstone.lens, basename(path), 'corrupt');
        await disk.rename(path, to);
        changed.push(dirname(to));
      } else {
        await disk.remove(path);
      }
    }
    return changed;
  }
}
