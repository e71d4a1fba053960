import type { EpochMs } from '@gapless/shared/time';
import type { ItemFailure, UploadState } from './store/rows.js';

/** How far an item has come. */
export interface ItemStatus {
  readonly seq: number;
  readonly name: string;
  readonly state:
    'queued' | 'hashing' | 'sending' | 'proving' | 'retrying' | 'verified' | 'failed' | 'cancelled';
  /** Bytes of this state: hashed, acknowledged or read back. */
  readonly doneBytes: number;
  /** What the server had already when sending began; not known any more once the upload has ended. */
  readonly resumedBytes?: number | undefined;
  readonly rateBytesPerSec?: number | undefined;
  readonly sizeBytes?: number | undefined;
  readonly savedBytes?: number | undefined;
  readonly sha256?: string | undefined;
  /** Where it goes, or lies, on the server. */
  readonly path?: string | undefined;
  /** Why it failed, or is tried again. */
  readonly reason?: ItemFailure | undefined;
  readonly retryInMs?: number | undefined;
}

/** An upload and its items, as they are now. */
export interface UploadStatus {
  readonly id: string;
  readonly state: UploadState | 'running';
  readonly madeMs: EpochMs;
  readonly endedMs?: EpochMs | undefined;
  /** Where to, with its tokens in braces. */
  readonly url: string;
  /** Why nothing goes on: it is paused, or the server cannot be reached. */
  readonly reason?: ItemFailure | undefined;
  readonly items: readonly ItemStatus[];
}

/** What happens, in order: changes of items, and of the upload itself. */
export type UploadEvent =
  | ({ readonly type: 'item'; readonly atMs: EpochMs } & ItemStatus)
  | ({ readonly type: 'upload'; readonly atMs: EpochMs } & Omit<UploadStatus, 'items'>);
