import type { EpochMs } from '@gapless/shared/time';
import type { Source, UploadPlan } from '../request.js';

export type UploadState = 'queued' | 'paused' | 'done' | 'failed' | 'cancelled';

export interface UploadRecord {
  readonly id: string;
  readonly madeMs: EpochMs;
  readonly plan: UploadPlan;
  readonly state: UploadState;
  readonly endedMs: EpochMs | undefined;
}

/** What an item is, once it was read. */
export interface ItemFacts {
  /** Changes whenever the bytes of the source may have changed. */
  readonly fingerprint: string;
  /** Where it goes on the server. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  /** Padding that is left out of it. */
  readonly savedBytes: number;
}

/** Why an item failed, as people are told. */
export interface ItemFailure {
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
}

export interface ItemRecord {
  /** Its place in the upload, from 0. */
  readonly seq: number;
  readonly source: Source;
  /** For people: a path, or what footage it is. */
  readonly name: string;
  readonly state: 'queued' | 'publishing' | 'verified' | 'failed' | 'cancelled';
  readonly facts: ItemFacts | undefined;
  readonly failure: ItemFailure | undefined;
}
