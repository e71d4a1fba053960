import type { Disk } from '@gapless/shared/fs';
import type { LensName, Random, VehicleId } from '@gapless/shared/ids';
import type { StepHook } from '@gapless/shared/lifecycle';
import type { DurationMs } from '@gapless/shared/time';
import type { IndexWriter } from '../index/index-writer.js';
import type { SourceFile } from '../index/wrapper.js';
import type { AdoptedRun } from './adopted-run.js';
import type { NameTime } from './name-pattern-policy.js';
import type { EvidenceKey } from './segment-draft.js';

export interface AdoptionPort {
  readonly vehicle: VehicleId;
  readonly lens: LensName;
  readonly disk: Disk;
  readonly index: Pick<IndexWriter, 'adoption'>;
  readonly random: Random;
  readonly evidence: EvidenceKey;
  /** Absolute path of the recordings, where the wrappers lie. */
  readonly storageDir: string;
  /** Wanted length of a segment. */
  readonly segmentDurationMs: DurationMs;
  readonly step: StepHook;
}

/** A file to be adopted, as it was found. */
export interface FoundFile extends SourceFile {
  readonly directory: string;
  readonly name: string;
  readonly named: NameTime | undefined;
}

/** How far the footage of a lens is adopted: what the next file may go on with. */
export interface AdoptionState {
  readonly run: AdoptedRun | undefined;
  /** SHA-256 of the lens's last segment. */
  readonly previous: string | undefined;
}
