import type { LensName, VehicleId } from '@gapless/shared/ids';
import type { EpochMs } from '@gapless/shared/time';
import type { Protections } from '../protect/index.js';
import type { LensRecorder, Recorders } from '../record/index.js';
import type { StorageKeeper } from '../retain/index.js';
import type { AgentFacts } from './status.js';

/** The parts of the agent that are asked. */
export interface FactsPort extends Pick<
  AgentFacts,
  'version' | 'startedMs' | 'link' | 'catalogue' | 'transfers'
> {
  readonly vehicle: VehicleId;
  /** The lenses that stream. */
  readonly live: ReadonlySet<LensName>;
  readonly disk: Omit<AgentFacts['disk'], 'freeBytes'>;
  readonly freeBytes: () => Promise<number>;
  readonly recorders: Pick<Recorders, 'runEnds'> & {
    readonly all: readonly Pick<LensRecorder, 'status' | 'stateSinceMs' | 'openBytes' | 'recorded'>[];
  };
  readonly storage: Pick<StorageKeeper, 'overwriteEtas' | 'evicted'>;
  readonly protections: Pick<Protections, 'share'>;
}

/** Asks all parts of the agent what they are doing. */
export async function agentFacts(port: FactsPort): Promise<AgentFacts> {
  const { vehicle, version, startedMs, link, catalogue, transfers, live, recorders, storage } = port;
  const etas: ReadonlyMap<LensName, EpochMs> = await storage.overwriteEtas();
  return {
    ...{ vehicle, version, startedMs, link, catalogue, transfers },
    lenses: recorders.all.map(({ status, stateSinceMs: sinceMs, openBytes, recorded }) => {
      const overwriteEtaMs = etas.get(status.lens);
      return {
        ...status,
        ...{
          live: live.has(status.lens) ? ('push' as const) : ('off' as const),
          sinceMs,
          openBytes,
          recorded,
        },
        runEnds: recorders.runEnds(status.lens),
        ...(overwriteEtaMs === undefined ? {} : { overwriteEtaMs }),
      };
    }),
    disk: { ...port.disk, freeBytes: await port.freeBytes() },
    protections: await port.protections.share(),
    evicted: storage.evicted,
  };
}
