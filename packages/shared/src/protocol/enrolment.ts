import { z } from 'zod';
import { base64, hostKeyFingerprint, sha256Hex, vehicleId } from './values.js';

/**
 * Enrolment: one HTTP request and its answer, both proven with the claim's secret, which itself is never sent. The
 * answer is also signed by central's identity key, whose fingerprint the claim code carries.
 */
export const enrolRequest = z.strictObject({
  v: z.literal(1),
  /** Id of the claim, hex. */
  claim: z.string().regex(/^[0-9a-f]{16}$/),
  /** As the box is configured: a code for another vehicle is refused before it does anything. */
  vehicle: vehicleId,
  /** Public halves of the keys that the agent made: SPKI DER, SPKI DER, SSH wire form. */
  linkKey: base64,
  evidenceKey: base64,
  sftpKey: base64,
  nonce: z.string().regex(/^[0-9a-f]{32}$/),
  /** HMAC-SHA256 over {@link enrolRequestTranscript} with the claim's secret. */
  proof: sha256Hex,
});

export const enrolAnswer = z.object({
  vehicle: vehicleId,
  /** Central's identity key, SPKI DER. */
  centralKey: base64,
  hostKeys: z.array(hostKeyFingerprint).min(1).max(8),
  /** Ed25519 over {@link enrolAnswerTranscript} with central's identity key. */
  signature: base64,
  /** HMAC-SHA256 over the same with the claim's secret: central knows it, so it is not somebody in between. */
  proof: sha256Hex,
});

export type EnrolRequest = z.infer<typeof enrolRequest>;
export type EnrolAnswer = z.infer<typeof enrolAnswer>;

export function enrolRequestTranscript(request: Omit<EnrolRequest, 'proof'>): Uint8Array {
  const { claim, vehicle, linkKey, evidenceKey, sftpKey, nonce } = request;
  return lines('gapless-enrol-1-agent', claim, vehicle, linkKey, evidenceKey, sftpKey, nonce);
}

export function enrolAnswerTranscript(
  request: Omit<EnrolRequest, 'proof'>,
  answer: Pick<EnrolAnswer, 'vehicle' | 'centralKey' | 'hostKeys'>,
): Uint8Array {
  const { claim, linkKey, evidenceKey, sftpKey, nonce } = request;
  return lines(
    'gapless-enrol-1-central',
    claim,
    linkKey,
    evidenceKey,
    sftpKey,
    nonce,
    answer.vehicle,
    answer.centralKey,
    ...answer.hostKeys,
  );
}

function lines(...text: readonly string[]): Uint8Array {
  return new TextEncoder().encode(text.join('\n'));
}
