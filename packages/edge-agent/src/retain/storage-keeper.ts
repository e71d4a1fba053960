import { toAppError } from '@gapless/shared/errors';
import type { Disk } from '@gapless/shared/fs';
import type { LensName, SegmentRef } from '@gapless/shared/ids';
import type { StepHook } from '@gapless/shared/lifecycle';
import type { Log } from '@gapless/shared/log';
import type { RemoveInput, TombstoneReason } from '@gapless/shared/protocol';
import type { Clock, EpochMs } from '@gapless/shared/time';
import type { IndexReader } from '../index/index-reader.js';
import type { IndexWriter } from '../index/index-writer.js';
import type { Journal } from '../index/journal/journal.js';
import { Burial } from './burial.js';
import { retentionEvents } from './events.js';
import { Forecaster } from './forecaster.js';
import { keepForgetting } from './forgetting.js';
import type { FreeSpace } from './free-space.js';
import type { Removed } from './remove.js';
import { remove } from './remove.js';
import type { EvictionTotals, RetentionPort } from './retention.js';
import { Retention } from './retention.js';
import type { LensLimits, RetentionLimits } from './retention-policy.js';
import { roomBytes } from './retention-policy.js';

export interface StorageKeeperPort extends Pick<RetentionPort, 'openBytes' | 'isInUse' | 'gate'> {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly reader: IndexReader;
  readonly index: IndexWriter;
  readonly journal: Journal;
  readonly storageDir: string;
  /** As they are now; {@link StorageKeeper.limitsChanged} says when they are others. */
  readonly limits: () => RetentionLimits;
  readonly lensLimits: () => ReadonlyMap<LensName, LensLimits>;
  readonly freeBytes: FreeSpace;
  /** The change sequence up to which central knows the catalogue; infinite for an agent without central. */
  readonly toldSeq: () => number;
  readonly step: StepHook;
  readonly log: Log;
}

/** Segments that are buried with one commit and one sync of the journal. */
const BATCH = 64;

/** Everything that deletes: evicts what the limits ask for, buries what is damaged, forgets what is long gone. */
export class StorageKeeper {
  readonly #port: StorageKeeperPort;
  readonly #burial: Burial;
  readonly #retention: Retention;
  readonly #forecaster: Forecaster;

  constructor(port: StorageKeeperPort) {
    this.#port = port;
    this.#burial = new Burial(port);
    this.#forecaster = new Forecaster({ ...port, roomBytes: () => this.roomBytes() });
    const events = retentionEvents(port.log, port.clock);
    this.#retention = new Retention({ ...port, burial: this.#burial, events });
  }

  /** Finishes what a crash interrupted, before the recordings are put in order. */
  async begin(): Promise<void> {
    const { left, failure } = await this.#burial.finish();
    if (left.length > 0) this.#port.log.error({ err: toAppError(failure) }, 'files could not be removed');
  }

  /** Keeps the recordings within their limits until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const stopListening = this.#port.index.onChange(() => this.#retention.kick());
    try {
      await Promise.all([this.#retention.run(signal), this.#forget(signal)]);
    } finally {
      stopListening();
    }
  }

  /** The limits are others than they were: they are kept from now on. */
  limitsChanged(): void {
    this.#retention.limitsChanged();
  }

  /** When each lens will lose footage that central does not have; a lens that is not at risk is left out. */
  overwriteEtas(): Promise<ReadonlyMap<LensName, EpochMs>> {
    return this.#forecaster.etas();
  }

  /** What was evicted since the start. */
  get evicted(): EvictionTotals {
    return this.#retention.totals;
  }

  /** Bytes that the recordings may take at all, as the disk is now. */
  async roomBytes(): Promise<number> {
    const { reader, openBytes, freeBytes, limits } = this.#port;
    const usedBytes = reader.segments.totalBytes();
    return roomBytes({ usedBytes, openBytes: openBytes(), freeBytes: await freeBytes() }, limits());
  }

  /** Buries one segment for a reason of its own, such as that its file is damaged. */
  async bury(segment: SegmentRef, reason: TombstoneReason): Promise<void> {
    await this.buryAll([segment], reason);
  }

  /** Buries segments whose media are not there any more, be they protected or not. */
  async buryAll(segments: readonly SegmentRef[], reason: TombstoneReason): Promise<void> {
    for (let at = 0; at < segments.length; at += BATCH) {
      const batch = segments.slice(at, at + BATCH);
      const { left, failure } = await this.#burial.bury(batch, reason, { evenProtected: true });
      if (left.length > 0) throw toAppError(failure);
    }
  }

  /** Removes segments on request; see {@link remove}. */
  remove(input: RemoveInput): Promise<Removed> {
    return remove({ ...this.#port, burial: this.#burial }, input);
  }

  async #forget(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await keepForgetting(this.#port, signal);
      } catch (thrown) {
        this.#port.log.error({ err: toAppError(thrown) }, 'old days could not be forgotten');
      }
    }
  }
}
