import type { VehicleId } from '@gapless/shared/ids';
import type { Database, Statements } from '@gapless/shared/sqlite';
import type { EpochMs } from '@gapless/shared/time';
import type { IndexReader } from '../index-reader.js';
import type { Finding, Invariant } from './finding.js';

/** What the parts of the check share. */
export interface CheckPort {
  readonly database: Database;
  readonly statements: Statements;
  readonly reader: IndexReader;
  /** Absolute path of the recordings. */
  readonly storageDir: string;
  readonly vehicle: VehicleId;
  /** Public half of the key that signs segments, SPKI DER; undefined when there is none to be had. */
  readonly evidenceKey: Uint8Array | undefined;
  /** Whether every file is read to its last byte. */
  readonly readData: boolean;
  /** Tombstones of what was deleted before this may have been forgotten. */
  readonly forgottenMs: EpochMs;
  /** Whether an agent works on the recordings, so that what is seen may be about to change. */
  readonly isRunning: () => boolean;
  readonly report: (finding: Finding) => void;
  /** Called for every segment that was looked at; throws to stop the check. */
  readonly onSegment: (sizeBytes: number) => void | Promise<void>;
}

/** Reports something about one segment. */
export type SegmentReport = (
  invariant: Invariant,
  detail: string,
  more: Pick<Finding, 'remedy'> & Partial<Pick<Finding, 'severity'>>,
) => void;
