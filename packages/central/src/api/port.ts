import type { Random } from '@gapless/shared/ids';
import type { Log } from '@gapless/shared/log';
import type { Clock } from '@gapless/shared/time';
import type { Enrolment, MediaLinks } from '../auth/index.js';
import type { Completion } from '../complete/index.js';
import type { VehicleAsker } from '../link/index.js';
import type { DataLayout, MediaUse, Store, Token } from '../store/index.js';

/** What the API exposes. */
export interface ApiPort {
  readonly store: Store;
  readonly layout: DataLayout;
  readonly completion: Completion;
  readonly enrolment: Enrolment;
  readonly mediaLinks: MediaLinks;
  /** What is being played or downloaded is held, so that retention leaves it alone. */
  readonly mediaUse: MediaUse;
  readonly findToken: (plain: string) => Token | undefined;
  /** Asks a connected vehicle for an operation. */
  readonly ask: VehicleAsker['ask'];
  readonly isConnected: (vehicle: string) => boolean;
  /** Named conditions for taking requests, each with what is wrong with it if anything is. */
  readonly readiness: () => Record<string, string | undefined>;
  readonly metrics: () => Promise<{ contentType: string; text: string }>;
  readonly timeZone: string;
  readonly version: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}
