import { readFile } from 'node:fs/promises';
import { errnoOf, isCancelled, toAppError } from '@gapless/shared/errors';
import type { VehicleId } from '@gapless/shared/ids';
import type { Clock } from '@gapless/shared/time';
import type { CentralReached, Identity } from '../link/index.js';
import { dialLink, hasAccessKeys, reachCentral } from '../link/index.js';
import type { Diagnosis } from './finding.js';
import { failed, ok, warning } from './finding.js';

export interface CentralToLookAt {
  /** Where the agent opens its link: `ws:` or `wss:`. */
  readonly url: string;
  /** PEM file. */
  readonly caPath: string | undefined;
}

/** Whether central can be reached and is to be trusted. What it says of the time is handed back, too. */
export async function lookAtLink(
  { url, caPath }: CentralToLookAt,
  clock: Clock,
  signal: AbortSignal,
): Promise<{ readonly diagnoses: Diagnosis[]; readonly reached: CentralReached | undefined }> {
  const { host, hostname, protocol } = new URL(url);
  try {
    const ca = caPath === undefined ? undefined : await readFile(caPath, 'utf8');
    const reached = await reachCentral({ url, ca, dial: dialLink, clock }, signal);
    const answered = `central answers at ${host} after ${Math.round(reached.tookMs)} ms`;
    if (protocol === 'wss:') return { diagnoses: [ok(`${answered}, its certificate is trusted`)], reached };
    if (isLoopback(hostname)) return { diagnoses: [ok(`${answered}, on this machine`)], reached };
    const open = warning(
      `${answered}, unencrypted: whoever listens on the way sees the footage`,
      'Outside a private network use wss: in central.url.',
    );
    return { diagnoses: [open], reached };
  } catch (thrown) {
    if (isCancelled(thrown)) throw thrown;
    return { diagnoses: [failure(thrown, caPath)], reached: undefined };
  }
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
}

function failure(thrown: unknown, caPath: string | undefined): Diagnosis {
  const errno = errnoOf(thrown);
  if (caPath !== undefined && errno !== undefined && ['ENOENT', 'EACCES', 'EISDIR'].includes(errno))
    return failed(
      `central.ca ${caPath} cannot be read: ${errno}`,
      'Name a PEM file that the agent may read.',
    );
  const { message, hint } = toAppError(thrown);
  return failed(message, hint ?? 'Look at the network of the box: ip route, and whether the name resolves.');
}

/** Whether this box was enrolled as the vehicle of its configuration. What central thinks of it, central alone knows. */
export async function lookAtEnrolment(
  stateDir: string,
  vehicle: VehicleId,
  identity: Identity | undefined,
): Promise<Diagnosis> {
  if (!identity)
    return failed(
      'this vehicle is not enrolled at any central',
      `At central: gapless-central enroll ${vehicle}. Then here: gapless-edge enroll --central URL --code CODE.`,
    );
  if (identity.vehicle !== vehicle)
    return failed(
      `this box is enrolled as ${identity.vehicle}, and configured as ${vehicle}`,
      `Set "vehicle" back, or enrol the box anew: gapless-central enroll ${vehicle}`,
    );
  if (!(await hasAccessKeys(stateDir, identity.enrolment)))
    return failed(
      'the keys of the enrolment are gone, so central will not know this box',
      `Enrol it anew. At central: gapless-central enroll ${vehicle}`,
    );
  return ok(
    `enrolled as ${vehicle}; whether central still lets it in shows the agent’s log, or gapless-central vehicles`,
  );
}
