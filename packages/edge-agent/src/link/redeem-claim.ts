import { createHash, createHmac, createPublicKey, randomBytes, verify } from 'node:crypto';
import { AppError, errnoOf } from '@gapless/shared/errors';
import type { VehicleId } from '@gapless/shared/ids';
import type { EnrolAnswer, EnrolRequest } from '@gapless/shared/protocol';
import {
  enrolAnswer,
  enrolAnswerTranscript,
  enrolRequestTranscript,
  parseClaimCode,
} from '@gapless/shared/protocol';
import { parsePublicKey } from '@gapless/shared/ssh';
import type { AgentKeys } from './keys.js';

/** What an enrolment gives the box: who it is, and whom it may trust. */
export interface Enrolled {
  readonly vehicle: VehicleId;
  /** Central's identity key, SPKI DER. */
  readonly centralKey: Uint8Array;
  readonly hostKeys: readonly string[];
}

const TIMEOUT_MS = 30_000;

/**
 * Redeems a claim code: registers the public halves of the agent's keys, and believes central only if its answer is
 * proven by the code's secret and signed by the key whose fingerprint the code carries. Nothing is trusted on sight.
 *
 * @param centralUrl `ws:`, `wss:`, `http:` or `https:`
 * @throws CLAIM_CODE_INVALID, CLAIM_REFUSED, LINK_UNREACHABLE, LINK_IMPOSTOR
 */
export async function redeemClaim(
  claim: { readonly vehicle: VehicleId; readonly centralUrl: string; readonly code: string },
  keys: AgentKeys,
): Promise<Enrolled> {
  const { vehicle, centralUrl } = claim;
  const code = parseClaimCode(claim.code);
  const draft: Omit<EnrolRequest, 'proof'> = {
    v: 1,
    claim: code.id,
    vehicle,
    linkKey: Buffer.from(keys.link.publicKey).toString('base64'),
    evidenceKey: Buffer.from(keys.evidence.publicKey).toString('base64'),
    sftpKey: Buffer.from(parsePublicKey(keys.sftp.publicKey)).toString('base64'),
    nonce: randomBytes(16).toString('hex'),
  };
  const proof = createHmac('sha256', code.secret).update(enrolRequestTranscript(draft)).digest('hex');
  const answer = await post(centralUrl, { ...draft, proof });
  const transcript = enrolAnswerTranscript(draft, answer);
  const centralKey = Buffer.from(answer.centralKey, 'base64');
  const keyFits = sha256(centralKey).startsWith(code.centralKeyPrefix);
  const hostKeyFits = answer.hostKeys.some((key) =>
    Buffer.from(key.slice('SHA256:'.length), 'base64').toString('hex').startsWith(code.hostKeyPrefix),
  );
  const proven = createHmac('sha256', code.secret).update(transcript).digest('hex') === answer.proof;
  if (
    answer.vehicle !== vehicle ||
    !keyFits ||
    !hostKeyFits ||
    !proven ||
    !isSigned(centralKey, transcript, answer)
  ) {
    throw new AppError(
      'LINK_IMPOSTOR',
      `the server at ${centralUrl} is not the central that made this code`,
      {
        hint: 'Check the address. If it is right, somebody is in between: do not go on over this network.',
      },
    );
  }
  return { vehicle: answer.vehicle, centralKey, hostKeys: answer.hostKeys };
}

async function post(centralUrl: string, request: EnrolRequest): Promise<EnrolAnswer> {
  const url = new URL('/agent/v1/enrol', centralUrl.replace(/^ws/, 'http'));
  let response: Response;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch (thrown) {
    const why = errnoOf(thrown instanceof Error ? thrown.cause : undefined) ?? String(thrown);
    throw new AppError('LINK_UNREACHABLE', `central cannot be reached at ${url.origin}: ${why}`, {
      cause: thrown,
      hint: 'Is central running, and is the address right?',
    });
  }
  const answer: unknown = await response.json().catch(() => undefined);
  if (!response.ok) {
    const { detail, hint } = (answer ?? {}) as { detail?: string; hint?: string };
    throw new AppError(
      'CLAIM_REFUSED',
      detail ?? `${url.origin} answered ${response.status}`,
      hint === undefined ? {} : { hint },
    );
  }
  const parsed = enrolAnswer.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw new AppError('LINK_PROTOCOL', `${url.origin} is no Gapless central, or of another version`, {
    cause: parsed.error,
  });
}

function isSigned(centralKey: Uint8Array, transcript: Uint8Array, answer: EnrolAnswer): boolean {
  try {
    const key = createPublicKey({ key: Buffer.from(centralKey), format: 'der', type: 'spki' });
    return verify(null, transcript, key, Buffer.from(answer.signature, 'base64'));
  } catch {
    return false; // bytes that are no key sign nothing
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
