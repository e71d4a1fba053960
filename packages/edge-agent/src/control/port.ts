import type { Log } from '@gapless/shared/log';
import type { Clock } from '@gapless/shared/time';
import type { ClipPort } from '../clip/index.js';
import type { Uploads } from '../deliver/index.js';
import type { Protections } from '../protect/index.js';
import type { SegmentsPort } from '../query/index.js';
import type { Reloaded } from '../reload/index.js';
import type { StorageKeeper } from '../retain/index.js';
import type { SnapshotPort } from '../snapshot/index.js';
import type { AgentFacts } from './status.js';

/** What the agent offers to whoever may use its socket. */
export interface ControlPort {
  readonly version: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly segments: SegmentsPort;
  readonly clip: ClipPort;
  readonly snapshot: SnapshotPort;
  readonly protections: Pick<Protections, 'protect' | 'unprotect' | 'list'>;
  readonly remove: StorageKeeper['remove'];
  readonly uploads: Omit<Uploads, 'begin' | typeof Symbol.asyncDispose>;
  readonly reload: () => Promise<Reloaded>;
  readonly status: () => Promise<AgentFacts>;
}
