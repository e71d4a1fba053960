import type { LensName, RunId, SegmentRef } from '@gapless/shared/ids';
import type { Range } from '@gapless/shared/interval';
import type { AbsenceReason, RunEndReason, TombstoneReason } from '@gapless/shared/protocol';
import type { EpochMs } from '@gapless/shared/time';

/** A run as it begins. */
export interface NewRun {
  readonly lens: LensName;
  readonly run: RunId;
  readonly bootId: string;
  /** The box's uptime when the run's media clock stood at 0. */
  readonly monotonicMs: number;
  readonly clockTrusted: boolean;
  readonly startMs: EpochMs;
  readonly codecs: readonly string[];
  readonly width: number | undefined;
  readonly height: number | undefined;
}

export interface RunRecord extends NewRun {
  /** Its place among the runs of the box: a later run has a greater one, whatever the wall clock said. */
  readonly order: number;
  readonly endMs: EpochMs | undefined;
  readonly endReason: RunEndReason | undefined;
}

/** A closed segment. */
export interface SegmentRecord extends SegmentRef, Range {
  /** `startMs` as the file's name has it. */
  readonly fileStartMs: EpochMs;
  readonly sizeBytes: number;
  /** Of the whole file, hex. */
  readonly sha256: string;
  readonly firstFragment: number;
  readonly fragmentCount: number;
  /** Encoded by `isobmff/fragment-table`. */
  readonly fragments: Uint8Array;
  /** Stretches of the extent without a picture. */
  readonly holes: readonly Range[];
  /** Whether central has proven that it holds this segment. */
  readonly receipted: boolean;
}

export interface TombstoneRecord extends SegmentRef, Range {
  /** As the segment had it: where its file lay. */
  readonly fileStartMs: EpochMs;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly deletedMs: EpochMs;
  readonly reason: TombstoneReason;
}

export interface AbsenceRecord extends Range {
  readonly lens: LensName;
  readonly reason: AbsenceReason;
  readonly detail: string | undefined;
}

/** A pin: footage that must not be evicted. */
export interface ProtectionRecord extends Range {
  readonly lens: LensName;
  /** Who asked for it. */
  readonly holder: string;
  /** For people. */
  readonly reason: string;
  readonly madeMs: EpochMs;
  /** Undefined: it holds until it is taken back. */
  readonly expiresMs: EpochMs | undefined;
}

/** A row with the change sequence of its last change. */
export interface Changed<Row> {
  readonly seq: number;
  readonly row: Row;
}
