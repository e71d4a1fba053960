import type { Random, VehicleId } from '@gapless/shared/ids';
import type { Range, RangeSet } from '@gapless/shared/interval';
import type { Log } from '@gapless/shared/log';
import type { HeldMessage } from '@gapless/shared/protocol';
import type { StoreWriter } from '../store/store.js';
import type { AttemptPort, UploadPlace } from './transfer-attempt.js';

/** What working off the requests of a vehicle is given. */
export interface VehicleWorkPort<Place extends UploadPlace> extends AttemptPort<Place> {
  readonly random: Random;
  readonly log: Log;
  /** Tries to finish an object of which new bytes arrived. */
  readonly settle: (objectId: number) => Promise<'incomplete' | 'verified' | 'quarantined'>;
  /** Applies what a `held` answer says beside segments: what is gone, and what never was. */
  readonly applyHeld: (tables: StoreWriter, vehicleId: number, held: HeldMessage) => void;
  /** Removes what is left of a vehicle's uploads whose transfers are no more. Does not fail. */
  readonly sweep: (vehicle: VehicleId) => Promise<void>;
  /** What central does not keep of a lens in a window, so that it is not asked for. */
  readonly notKept: (lensId: number, window: Range) => RangeSet;
}

/** A connected vehicle, as far as completion needs to know it. */
export interface Peer {
  readonly vehicle: VehicleId;
  readonly vehicleId: number;
  readonly signal: AbortSignal;
  send(message: object): void;
}
