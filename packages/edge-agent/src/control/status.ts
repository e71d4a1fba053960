import type { AppError } from '@gapless/shared/errors';
import type { SegmentRef } from '@gapless/shared/ids';
import type { LensStatus, RunEndReason } from '@gapless/shared/protocol';
import type { DurationMs, EpochMs } from '@gapless/shared/time';
import type { Share } from '../protect/index.js';
import type { EvictionTotals } from '../retain/index.js';

/** What the agent is doing, as its parts know it. */
export interface AgentFacts {
  readonly vehicle: string;
  readonly version: string;
  readonly startedMs: EpochMs;
  readonly lenses: readonly LensFacts[];
  readonly disk: {
    readonly dir: string;
    readonly usedBytes: number;
    readonly freeBytes: number;
    readonly maxBytes: number | undefined;
    readonly minFreeBytes: number;
    readonly maxAgeMs: DurationMs | undefined;
    readonly whenFull: 'evict-oldest' | 'stop-recording';
  };
  /** `undefined` for an agent without central. */
  readonly link: LinkFacts | undefined;
  readonly catalogue: { readonly changeSeq: number; readonly toldSeq: number | undefined };
  readonly transfers: readonly TransferFacts[];
  readonly protections: Share;
  /** What was evicted since the start. */
  readonly evicted: EvictionTotals;
}

export interface LensFacts extends LensStatus {
  readonly sinceMs: EpochMs;
  readonly openBytes: number;
  /** Since the lens is recorded as it is now. */
  readonly recorded: { readonly fragments: number; readonly bytes: number };
  /** How many runs ended for each reason since the start. */
  readonly runEnds: ReadonlyMap<RunEndReason, number>;
}

export interface LinkFacts {
  readonly url: string;
  readonly isEnrolled: boolean;
  /** Absent while no link is tried. */
  readonly isOpen?: boolean;
  /** For how long it has been open, or has not been. */
  readonly lastedMs?: DurationMs;
  readonly nextDialInMs?: DurationMs;
  /** Why it is not open. */
  readonly lastError?: AppError;
}

export interface TransferFacts {
  readonly segment: SegmentRef;
  readonly state: 'reading' | 'offered' | 'sending';
  readonly sizeBytes: number | undefined;
  readonly ackedBytes: number;
}
