import { createHmac, timingSafeEqual } from 'node:crypto';
import { AppError } from '@gapless/shared/errors';
import type { Random, VehicleId } from '@gapless/shared/ids';
import { hex } from '@gapless/shared/ids';
import type { EnrolAnswer, EnrolRequest } from '@gapless/shared/protocol';
import { enrolAnswerTranscript, enrolRequestTranscript, formatClaimCode } from '@gapless/shared/protocol';
import { isPublicKey } from '@gapless/shared/ssh';
import type { Clock, DurationMs, EpochMs } from '@gapless/shared/time';
import { DAY_MS } from '@gapless/shared/time';
import type { Claim } from '../store/claims.js';
import type { Store } from '../store/store.js';
import type { CentralKeys } from './central-keys.js';
import { prefixOf } from './central-keys.js';

/** A claim code is good for this long. */
export const CLAIM_TTL_MS: DurationMs = DAY_MS;

/** RFC 8410: an Ed25519 public key as SPKI DER is this followed by its 32 bytes. */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

export interface EnrolmentPort {
  readonly store: Store;
  readonly keys: CentralKeys;
  /** Fingerprints that the SFTP server may show, `SHA256:…`; the first is the one shown now. */
  readonly hostKeyFingerprints: () => readonly string[];
  readonly clock: Clock;
  readonly random: Random;
  /** The keys of a vehicle count no more: who still speaks with them must go. */
  readonly onKeysVoid: (vehicle: VehicleId) => void;
}

/** Lets vehicles in, by claim codes that it makes and redeems, and shuts them out. */
export class Enrolment {
  readonly #port: EnrolmentPort;

  constructor(port: EnrolmentPort) {
    this.#port = port;
  }

  /** Makes a claim code for a vehicle. An earlier one that was not used is void. */
  async claim(vehicle: VehicleId): Promise<{ code: string; expiresMs: EpochMs }> {
    const { store, keys, random, clock, hostKeyFingerprints } = this.#port;
    const nowMs = clock.nowMs();
    const id = hex(random.bytes(8));
    const secret = random.bytes(16);
    const expiresMs = nowMs + CLAIM_TTL_MS;
    await store.write((tables) => tables.claims.add({ id, vehicle, secret, expiresMs }, nowMs));
    const hostKey = Buffer.from(hostKeyFingerprints()[0]!.slice('SHA256:'.length), 'base64');
    return {
      code: formatClaimCode({
        id,
        secret,
        centralKeyPrefix: keys.keyId.slice(0, 32),
        hostKeyPrefix: prefixOf(hostKey),
      }),
      expiresMs,
    };
  }

  /**
   * Redeems a claim: registers the public halves of the agent's keys.
   *
   * @throws CLAIM_REFUSED for a claim that is unknown, expired, used or not proven; ARGUMENT_INVALID for malformed keys
   */
  async redeem(request: EnrolRequest): Promise<EnrolAnswer> {
    const { store, keys, clock, hostKeyFingerprints, onKeysVoid } = this.#port;
    const nowMs = clock.nowMs();
    const claim = store.read.claims.byId(request.claim);
    const proof = createHmac('sha256', claim?.secret ?? new Uint8Array(16))
      .update(enrolRequestTranscript(request))
      .digest();
    if (!claim || !timingSafeEqual(proof, Buffer.from(request.proof, 'hex')))
      throw refused('it is not known here');
    requireUsable(claim, request.vehicle, nowMs);
    const linkKey = ed25519Spki(request.linkKey, 'linkKey');
    const evidenceKey = ed25519Spki(request.evidenceKey, 'evidenceKey');
    const sftpKey = Buffer.from(request.sftpKey, 'base64');
    if (!isPublicKey(sftpKey))
      throw new AppError('ARGUMENT_INVALID', 'sftpKey is no Ed25519 public key in SSH wire form');
    await store.write((tables) => {
      // Two boxes with one code: the first wins, whatever both were told before.
      if (!tables.claims.use(claim.id, nowMs)) throw refused('it was used already');
      tables.vehicles.enrol({ name: claim.vehicle, linkKey, sftpKey, evidenceKey }, nowMs);
    });
    onKeysVoid(claim.vehicle);
    const answer = {
      vehicle: claim.vehicle,
      centralKey: Buffer.from(keys.publicKey).toString('base64'),
      hostKeys: [...hostKeyFingerprints()],
    };
    const transcript = enrolAnswerTranscript(request, answer);
    return {
      ...answer,
      signature: Buffer.from(keys.sign(transcript)).toString('base64'),
      proof: createHmac('sha256', claim.secret).update(transcript).digest('hex'),
    };
  }

  /**
   * Shuts a vehicle out: its keys count no more, and a claim code that nobody has used is void. What central holds of it
   * stays. Enrolling it again lets it back in.
   *
   * @throws VEHICLE_UNKNOWN
   */
  async revoke(vehicle: VehicleId): Promise<void> {
    const { store, onKeysVoid } = this.#port;
    await store.write((tables) => {
      const known = tables.vehicles.byName(vehicle);
      if (!known) throw new AppError('VEHICLE_UNKNOWN', `there is no vehicle ${vehicle}`);
      tables.claims.voidUnused(vehicle);
      tables.vehicles.setState(known.id, 'revoked');
    });
    onKeysVoid(vehicle);
  }
}

function requireUsable(claim: Claim, vehicle: VehicleId, nowMs: EpochMs): void {
  if (claim.vehicle !== vehicle) {
    throw new AppError(
      'CLAIM_REFUSED',
      `the claim code is for ${claim.vehicle}, this box is configured as ${vehicle}`,
      {
        hint: 'Correct "vehicle" in the configuration, or ask for a code for this vehicle.',
      },
    );
  }
  if (claim.usedMs !== undefined) throw refused('it was used already');
  if (claim.expiresMs <= nowMs) throw refused('it has expired');
}

function refused(why: string): AppError {
  return new AppError('CLAIM_REFUSED', `the claim code is refused: ${why}`, {
    hint: 'Ask for a new one at central: gapless-central enroll VEHICLE.',
  });
}

function ed25519Spki(base64: string, name: string): Uint8Array {
  const der = Buffer.from(base64, 'base64');
  if (der.length === SPKI_PREFIX.length + 32 && der.subarray(0, SPKI_PREFIX.length).equals(SPKI_PREFIX))
    return der;
  throw new AppError('ARGUMENT_INVALID', `${name} is no Ed25519 public key in SPKI DER`);
}
