import { resolve } from 'node:path';
import type { Disk } from '@gapless/shared/fs';
import { toAppError } from '@gapless/shared/errors';
import type { Random } from '@gapless/shared/ids';
import type { Clock } from '@gapless/shared/time';
import type { EdgeConfig } from '../config.js';
import { lensesOf, linkUrlOf, storageDirOf, vehicleOf } from '../config.js';
import { indexPath, IndexReader, readIndex } from '../index/index.js';
import type { CentralReached, Identity } from '../link/index.js';
import { IdentityFile } from '../link/index.js';
import type { StartProcess } from '../record/index.js';
import { holdsSecret } from '../record/index.js';
import { judgeAbilities } from './ability-policy.js';
import { hasOneReader } from './camera-policy.js';
import { judgeClock } from './clock-policy.js';
import { ffmpegAbilities } from './ffmpeg-abilities.js';
import type { Area, Diagnosis, Finding } from './finding.js';
import { failed, ok } from './finding.js';
import { lookAtAdopted } from './look-at-adopted.js';
import { lookAtCamera } from './look-at-camera.js';
import { lookAtDisk } from './look-at-disk.js';
import { lookAtEnrolment, lookAtLink } from './look-at-link.js';
import { lookAtPermissions } from './look-at-permissions.js';
import { lookAtSftp } from './look-at-sftp.js';
import type { AskProgram } from './program-process.js';
import type { SshAddress } from './ssh-host-key.js';
import { isSynchronised } from './synchronised.js';

export interface DoctorPort {
  readonly config: EdgeConfig;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly ask: AskProgram;
  readonly start: StartProcess;
  readonly isAgentRunning: boolean;
  /** Where central's SFTP server listens, if somebody says so. */
  readonly sftp: SshAddress | undefined;
}

/** Central's SFTP server listens here unless it is configured otherwise. */
const USUAL_SFTP_PORT = 2022;

/** Cameras that are opened at a time. */
const CAMERAS_AT_ONCE = 4;

/** Looks at all that the agent needs of its box and of the world, and changes nothing. */
export async function examine(
  port: DoctorPort,
  report: (finding: Finding) => void,
  signal: AbortSignal,
): Promise<void> {
  const { config, isAgentRunning } = port;
  const tell = (area: Area, ...diagnoses: readonly Diagnosis[]): void => {
    for (const diagnosis of diagnoses) report({ area, ...diagnosis });
  };
  tell('agent', ok(isAgentRunning ? 'an agent runs on this stateDir' : 'no agent runs on this stateDir'));
  tell('ffmpeg', ...(await attempted(() => ffmpeg(port))));
  tell('disk', ...(await attempted(() => disk(port))));
  const places = { stateDir: config.stateDir, storageDir: storageDirOf(config) };
  tell('permissions', ...(await attempted(() => lookAtPermissions(places))));
  signal.throwIfAborted();
  const reached = await central(port, tell, signal);
  tell('clock', ...(await attempted(async () => [await clockOf(port, reached)])));
  await cameras(port, report, signal);
}

/** What cannot be looked at is a finding in itself; a fault of the program is not. */
async function attempted(look: () => Promise<readonly Diagnosis[]>): Promise<readonly Diagnosis[]> {
  try {
    return await look();
  } catch (thrown) {
    const { kind, message, hint } = toAppError(thrown);
    if (kind === 'internal' || kind === 'cancelled') throw thrown;
    return [failed(message, hint ?? 'Mend this first, then look again.')];
  }
}

async function ffmpeg({ config, ask }: DoctorPort): Promise<Diagnosis[]> {
  const inputs = lensesOf(config).flatMap(({ lens, input }) =>
    input
      ? { lens, url: input.url, hasHiddenOptions: holdsSecret(input.url) && input.options.length > 0 }
      : [],
  );
  return judgeAbilities(await ffmpegAbilities(config.ffmpeg, ask), inputs);
}

async function disk(port: DoctorPort): Promise<Diagnosis[]> {
  const { config } = port;
  const { maxSize, minFree } = config.storage;
  return lookAtDisk(
    {
      storageDir: storageDirOf(config),
      limits: { maxBytes: maxSize, minFreeBytes: minFree },
      heldBytes: heldBytes(config.stateDir),
      lensCount: lensesOf(config).length,
    },
    port,
  );
}

/** What the recordings take, by the index; nothing where there is none yet. */
function heldBytes(stateDir: string): number {
  try {
    const database = readIndex(indexPath(stateDir));
    try {
      return new IndexReader(database).segments.totalBytes();
    } finally {
      database.close();
    }
  } catch (thrown) {
    if (toAppError(thrown).code === 'INDEX_MISSING') return 0;
    throw thrown;
  }
}

async function central(
  { config, disk: on, clock, sftp }: DoctorPort,
  tell: (area: Area, ...diagnoses: readonly Diagnosis[]) => void,
  signal: AbortSignal,
): Promise<CentralReached | undefined> {
  if (!config.central) {
    tell('link', ok('no central is configured: the agent records and nothing more'));
    return undefined;
  }
  const url = linkUrlOf(config.central);
  const { diagnoses, reached } = await lookAtLink({ url, caPath: config.central.ca }, clock, signal);
  tell('link', ...diagnoses);
  let identity: Identity | undefined;
  const enrolment = await attempted(async () => {
    ({ identity } = await IdentityFile.load(on, config.stateDir));
    return [await lookAtEnrolment(config.stateDir, vehicleOf(config), identity)];
  });
  tell('link', ...enrolment);
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '');
  const address = { ...(sftp ?? { host, port: USUAL_SFTP_PORT }), isNamed: sftp !== undefined };
  tell('sftp', await lookAtSftp({ ...address, pinned: identity?.hostKeys }, clock, signal));
  return reached;
}

async function clockOf({ clock, ask }: DoctorPort, reached: CentralReached | undefined): Promise<Diagnosis> {
  return judgeClock({
    nowMs: clock.nowMs(),
    isSynchronised: await isSynchronised(ask),
    // Central spoke some time between our first packet and its word.
    central: reached && { aheadMs: reached.centralMs - reached.heardMs, errorMs: reached.tookMs },
  });
}

async function cameras(
  { config, start, clock, isAgentRunning }: DoctorPort,
  report: (finding: Finding) => void,
  signal: AbortSignal,
): Promise<void> {
  const waiting = lensesOf(config);
  const port = { ffmpeg: config.ffmpeg, start, clock, segmentMs: config.recording.segmentDuration };
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const { lens, input, adopt } = next;
      if (adopt) report({ area: 'camera', lens, ...(await lookAtAdopted(resolve(adopt.dir))) });
      if (!input) continue;
      const diagnosis =
        isAgentRunning && hasOneReader(input.url)
          ? ok('not opened, since the running agent reads it and only one can')
          : await lookAtCamera(input, port, signal);
      report({ area: 'camera', lens, ...diagnosis });
    }
  };
  await Promise.all(Array.from({ length: CAMERAS_AT_ONCE }, worker));
}
