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
  /** Whether its media lie in a file of another recorder. */
  readonly adopted: boolean;
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

/** What stands for the boot in what was adopted: it was recorded by others, and no clock of this box can time it anew. */
export const ADOPTED_BOOT = 'adopted';

export const adoptedStates = ['adopted', 'partly', 'no-video', 'unreadable'] as const;

/**
 * What became of a file of another recorder. `partly`: up to where it is damaged. `no-video`: it holds no picture that could
 * be decoded, so it covers nothing.
 */
export type AdoptedState = (typeof adoptedStates)[number];

/** What was found in a file of another recorder. */
export interface AdoptedFacts {
  /** How its start is known: MediaMTX's own box, the name, `mvhd`, or the time of the file's last change. */
  readonly clock: 'mediamtx' | 'name' | 'container' | 'modified';
  /** What the container begins with, by that clock. */
  readonly startMs: EpochMs;
  /** Extent of the pictures; absent where there are none. */
  readonly video?: Range;
  readonly pictures: number;
  /** Stretches inside that extent without a picture. */
  readonly holes: number;
  readonly holesMs: number;
  /** How long after the container's start the first picture comes. */
  readonly lateMs: number;
  /** What stands before the first sync sample and cannot be decoded. */
  readonly undecodableMs: number;
  /** How far it reaches back into the file before it (negative: how much is missing between them); absent at a beginning. */
  readonly overlapMs?: number;
  /** Whether it goes on where the file before it ends. */
  readonly continues: boolean;
  /** Codecs of tracks that are not carried over. */
  readonly leftOut: readonly string[];
}

export interface AdoptedFileRecord {
  readonly id: number;
  readonly lens: LensName;
  /** Absolute. */
  readonly directory: string;
  readonly name: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly state: AdoptedState;
  readonly detail: string | undefined;
  readonly facts: AdoptedFacts | undefined;
}
