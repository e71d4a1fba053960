import type { Hash } from 'node:crypto';
import { createHash } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { assert } from '@gapless/shared/errors';
import type { Disk, DiskFile } from '@gapless/shared/fs';
import type { FragmentEntry, SegmentIdentity, TrackFragment } from '@gapless/shared/isobmff';
import {
  encodeFragmentTable,
  identityBox,
  SampleTableBuilder,
  sealBox,
  sealedBytes,
} from '@gapless/shared/isobmff';
import type { StepHook } from '@gapless/shared/lifecycle';
import type { Clock, EpochMs, Timer } from '@gapless/shared/time';
import { SECOND_MS } from '@gapless/shared/time';
import type { SegmentFile } from '../index/paths.js';
import { quarantinePath, recordingPath, segmentPath } from '../index/paths.js';
import type { IndexWriter } from '../index/index-writer.js';
import type { SegmentRecord } from '../index/rows.js';
import { holesOf } from '../index/segment-file.js';

/** Signs a sealed segment; undefined when the box has no evidence key. */
export interface EvidenceKey {
  readonly id: string;
  sign(bytes: Uint8Array): Uint8Array;
}

export interface SegmentPort {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly index: IndexWriter;
  /** Absolute path of the recordings. */
  readonly storageDir: string;
  readonly evidence: EvidenceKey;
  readonly step: StepHook;
}

/** What a segment begins with. */
export interface SegmentPlan {
  /** The run's init segment. */
  readonly init: Uint8Array;
  readonly identity: SegmentIdentity;
  /** Wall time of the first sample. */
  readonly startMs: EpochMs;
}

/** A fragment on its way into the file. */
export interface AppendedFragment {
  readonly entry: Omit<FragmentEntry, 'offset'>;
  readonly bytes: Uint8Array;
  /** Wall time at which its last sample ends. */
  readonly endMs: EpochMs;
  /** Its part of the picture; undefined for a fragment of sound alone. */
  readonly picture: TrackFragment | undefined;
}

/** A segment whose bytes are complete and on stable storage. */
export interface SealedSegment {
  readonly record: SegmentRecord;
  readonly seal: Uint8Array;
  readonly sealOffset: number;
}

/** The open segment is synced this often: what a power cut can cost. */
const SYNC_MS = SECOND_MS;

/** The open segment of a lens: grows by whole fragments and ends as a sealed, synced and indexed file. */
export class SegmentWriter {
  readonly identity: SegmentIdentity;
  readonly startMs: EpochMs;
  readonly #port: SegmentPort;
  readonly #file: DiskFile;
  readonly #path: string;
  readonly #hash: Hash = createHash('sha256');
  readonly #fragments: FragmentEntry[] = [];
  readonly #samples = new SampleTableBuilder();
  #endMs: EpochMs;
  #sizeBytes = 0;
  #syncedAtMs: number;
  #syncTimer: Timer | undefined;
  #syncing: Promise<void> | undefined;
  /** Why nothing of this file counts any more. */
  #failure: unknown;
  #sealed: SealedSegment | undefined;
  #indexed = false;

  private constructor(port: SegmentPort, file: DiskFile, plan: SegmentPlan) {
    this.#port = port;
    this.#file = file;
    this.identity = plan.identity;
    this.startMs = plan.startMs;
    this.#endMs = plan.startMs;
    this.#path = join(port.storageDir, recordingPath(fileOf(plan)));
    this.#syncedAtMs = port.clock.monotonicMs();
  }

  /**
   * Begins a segment file with its head. The file's name is durable before the first fragment follows.
   *
   * @returns the writer and the head that now stands in the file
   */
  static async open(
    port: SegmentPort,
    plan: SegmentPlan,
  ): Promise<{ writer: SegmentWriter; head: Uint8Array }> {
    const { init, identity } = plan;
    const path = join(port.storageDir, recordingPath(fileOf(plan)));
    port.step('segment-open:1-create');
    const file = await port.disk.create(path);
    const writer = new SegmentWriter(port, file, plan);
    const box = identityBox(identity);
    const head = new Uint8Array(init.length + box.length);
    head.set(init);
    head.set(box, init.length);
    try {
      await writer.#write(head);
      port.step('segment-open:2-sync-directory');
      await port.disk.syncDirectory(dirname(path));
    } catch (thrown) {
      // There is no footage in it.
      await file.close().catch(() => undefined);
      await port.disk.remove(path).catch(() => undefined);
      throw thrown;
    }
    return { writer, head };
  }

  /** Wall time at which the last sample so far ends; `startMs` while there is none that lasts. */
  get endMs(): EpochMs {
    return this.#endMs;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Those that stand in the file; it grows. */
  get fragments(): readonly FragmentEntry[] {
    return this.#fragments;
  }

  /** The segment's row, once its bytes are complete and synced; what fails after that loses nothing of it. */
  get sealed(): SegmentRecord | undefined {
    return this.#sealed?.record;
  }

  /**
   * Appends a whole fragment and sees to it that it is on the disk within a second.
   *
   * @returns the offset at which it lies
   * @throws STORAGE_WRITE_FAILED, also for a sync of earlier bytes that failed since
   */
  async append(fragment: AppendedFragment): Promise<number> {
    this.#throwFailure();
    const offset = this.#sizeBytes;
    await this.#write(fragment.bytes);
    this.#fragments.push({ ...fragment.entry, offset });
    if (fragment.picture) this.#samples.add(fragment.picture, offset);
    this.#endMs = fragment.endMs;
    this.#scheduleSync();
    return offset;
  }

  /**
   * Closes the segment. The numbered order is the one of `docs/design/durability.md`: a row exists only for a file
   * that a power cut cannot touch any more. Called again after a failure, it goes on where the bytes were safe.
   *
   * @param previous SHA-256 of the lens's segment before this one
   * @throws STORAGE_WRITE_FAILED, and errors of the index
   */
  async seal(previous: string | undefined): Promise<SealedSegment> {
    const { disk, index, step, storageDir } = this.#port;
    const sealed = (this.#sealed ??= await this.#finishFile(previous));
    if (!this.#indexed) {
      step('segment-close:3-row');
      await index.addSegment(sealed.record);
      this.#indexed = true;
    }
    step('segment-close:4-rename');
    const path = join(storageDir, segmentPath(sealed.record));
    await disk.rename(this.#path, path);
    step('segment-close:5-sync-directories');
    await disk.syncDirectory(dirname(path));
    return sealed;
  }

  /**
   * Gives the segment up: its bytes cannot be relied on, and the file is kept in quarantine. One that is {@link sealed}
   * is good and stays where it is; the recovery before the next run gives it its row and its place.
   */
  async abandon(reason: string): Promise<void> {
    await this.#syncing;
    this.#syncTimer?.[Symbol.dispose]();
    await this.#file.close().catch(() => undefined);
    if (this.#sealed) return;
    const to = quarantinePath(this.#port.storageDir, this.identity.lens, basename(this.#path), reason);
    await this.#port.disk.rename(this.#path, to);
  }

  /** Appends the seal and syncs: steps 1 and 2. */
  async #finishFile(previous: string | undefined): Promise<SealedSegment> {
    const { step, evidence } = this.#port;
    const { identity } = this;
    assert(this.#fragments.length > 0, 'a segment that is sealed has fragments');
    // A lone sample may last less than a millisecond; an extent is never empty.
    const endMs = Math.max(this.#endMs, this.startMs + 1);
    await this.#settleSync();
    const sealOffset = this.#sizeBytes;
    const statement = {
      v: 1 as const,
      endMs,
      fragments: this.#fragments.length,
      sha256: this.#hash.copy().digest('hex'),
      key: evidence.id,
      ...(previous === undefined ? {} : { previous }),
    };
    const signature = Buffer.from(evidence.sign(sealedBytes(identity, statement))).toString('hex');
    const seal = sealBox({ ...statement, signature });
    step('segment-close:1-seal');
    await this.#write(seal);
    step('segment-close:2-sync-file');
    await this.#once(() => this.#file.sync());
    await this.#file.close();
    return { record: this.#record(endMs), seal, sealOffset };
  }

  #record(endMs: EpochMs): SegmentRecord {
    const { lens, run, seq, firstFragment } = this.identity;
    const { startMs } = this;
    return {
      lens,
      run,
      seq,
      startMs,
      endMs,
      fileStartMs: startMs,
      sizeBytes: this.#sizeBytes,
      sha256: this.#hash.digest('hex'),
      firstFragment,
      fragmentCount: this.#fragments.length,
      fragments: encodeFragmentTable(this.#fragments),
      holes: holesOf(this.#samples.build(), this.identity, { startMs, endMs }),
      receipted: false,
      adopted: false,
    };
  }

  async #write(bytes: Uint8Array): Promise<void> {
    await this.#once(() => this.#file.write(bytes, this.#sizeBytes));
    this.#hash.update(bytes);
    this.#sizeBytes += bytes.length;
  }

  /** What fails once is not tried again: a second sync that succeeds would prove nothing. */
  async #once(operation: () => Promise<void>): Promise<void> {
    try {
      await operation();
    } catch (thrown) {
      this.#failure = thrown;
      throw thrown;
    }
  }

  /** A sync runs beside the writes that follow it; a slow card delays no fragment. */
  #scheduleSync(): void {
    if (this.#syncTimer || this.#syncing) return;
    const waitMs = Math.max(0, this.#syncedAtMs + SYNC_MS - this.#port.clock.monotonicMs());
    this.#syncTimer = this.#port.clock.schedule(waitMs, () => this.#syncNow());
  }

  #syncNow(): void {
    this.#syncTimer = undefined;
    const sizeBytes = this.#sizeBytes;
    this.#syncing = this.#file.sync().then(
      () => {
        this.#syncedAtMs = this.#port.clock.monotonicMs();
        this.#syncing = undefined;
        if (this.#sizeBytes > sizeBytes) this.#scheduleSync();
      },
      (thrown: unknown) => {
        // After a failed sync the kernel has dropped the dirty pages: nothing written to this file counts any more.
        this.#failure = thrown;
        this.#syncing = undefined;
      },
    );
  }

  async #settleSync(): Promise<void> {
    await this.#syncing;
    // The sync that has just ended may have scheduled the next.
    this.#syncTimer?.[Symbol.dispose]();
    this.#syncTimer = undefined;
    this.#throwFailure();
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure as Error;
  }
}

function fileOf({ identity, startMs }: SegmentPlan): SegmentFile {
  return { lens: identity.lens, run: identity.run, seq: identity.seq, fileStartMs: startMs };
}
