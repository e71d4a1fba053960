import type { LensName, Random, VehicleId } from '@gapless/shared/ids';
import type { PieceDescriptor } from '@gapless/shared/protocol';
import type { DurationMs } from '@gapless/shared/time';
import type { SegmentPort } from './segment-writer.js';

/** How far the wall clock is to be believed right now. */
export interface WallClock {
  readonly trusted: boolean;
  readonly bootId: string;
}

export interface RunPort extends SegmentPort {
  readonly vehicle: VehicleId;
  readonly lens: LensName;
  readonly segmentDurationMs: DurationMs;
  readonly random: Random;
  readonly wall: () => WallClock;
  /** Hands a piece of the open segment to the live lane, as soon as it stands in the file. */
  readonly live: (descriptor: PieceDescriptor, bytes: Uint8Array) => void;
  /** SHA-256 of the lens's segment before this run. */
  readonly previous: string | undefined;
}
