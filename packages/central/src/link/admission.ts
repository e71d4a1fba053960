import { createPublicKey, verify } from 'node:crypto';
import type { Hello } from '@gapless/shared/protocol';
import { handshakeTranscript } from '@gapless/shared/protocol';
import type { Vehicle } from '../store/vehicles.js';

/** What becomes of a vehicle that introduces itself. The reason is for the person who reads the agent's log. */
export type Admission =
  | { readonly verdict: 'admitted' }
  | { readonly verdict: 'denied'; readonly reason: string }
  /** An older attempt of the same box that a newer one overtook. */
  | { readonly verdict: 'superseded' }
  /** Two boxes speak as one: nobody gets in until somebody has looked. */
  | { readonly verdict: 'conflict'; readonly reason: string };

/**
 * Decides whether a hello is that of the box that was enrolled. Unknown vehicles, wrong keys and wrong signatures are
 * told apart by nobody but the log: from outside they look alike.
 *
 * @param keyId SHA-256 of the enrolled link key, hex
 */
export function admit(
  vehicle: Vehicle | undefined,
  hello: Hello,
  proof: { keyId: string; centralNonce: string },
): Admission {
  if (!vehicle || hello.key !== proof.keyId || !isSigned(vehicle, hello, proof.centralNonce)) {
    return {
      verdict: 'denied',
      reason: `${hello.vehicle} is not enrolled with this key. At central: gapless-central enroll ${hello.vehicle}`,
    };
  }
  if (vehicle.state === 'revoked') {
    return {
      verdict: 'denied',
      reason: `${hello.vehicle} was revoked. To let it back in, enrol it again at central.`,
    };
  }
  if (vehicle.state === 'conflict') {
    return {
      verdict: 'denied',
      reason: `Two boxes spoke as ${hello.vehicle}. Find the copy, then enrol the right box again.`,
    };
  }
  if (hello.counter <= vehicle.helloCounter) {
    if (hello.bootId === vehicle.bootId) return { verdict: 'superseded' };
    return {
      verdict: 'conflict',
      reason: `A copy or an old image of ${hello.vehicle} connected. Find it, then enrol the right box again.`,
    };
  }
  return { verdict: 'admitted' };
}

function isSigned(vehicle: Vehicle, hello: Hello, centralNonce: string): boolean {
  const transcript = handshakeTranscript('agent', {
    vehicle: hello.vehicle,
    agentKey: hello.key,
    counter: hello.counter,
    centralNonce,
    agentNonce: hello.nonce,
    bootId: hello.bootId,
    catalogueEpoch: hello.catalogueEpoch,
  });
  const key = createPublicKey({ key: Buffer.from(vehicle.linkKey), format: 'der', type: 'spki' });
  return verify(null, transcript, key, Buffer.from(hello.signature, 'base64'));
}
