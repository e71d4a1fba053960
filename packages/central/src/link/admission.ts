import { createPublicKey, verify } from 'node:crypto';
import type { Hello } from '@gapless/shared/protocol';
import { handshakeTranscript } from '@gapless/shared/protocol';
import type { Vehicle } from '../store/vehicles.js';

/** Reasons end with the name, since a close frame has room for 123 bytes and a name may have 64. */
const COPY_SPOKE = 'copied box: remove the copy, then gapless-central enroll ';

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
      reason: `not enrolled with this key: gapless-central enroll ${hello.vehicle}`,
    };
  }
  const shutOut = shutOutReason(vehicle);
  if (shutOut !== undefined) return { verdict: 'denied', reason: shutOut };
  if (hello.counter <= vehicle.helloCounter) {
    if (hello.bootId === vehicle.bootId) return { verdict: 'superseded' };
    return {
      verdict: 'conflict',
      reason: COPY_SPOKE + hello.vehicle,
    };
  }
  return { verdict: 'admitted' };
}

/** Why a vehicle may not connect whatever it can prove; undefined when it may. */
export function shutOutReason({ name, state }: Pick<Vehicle, 'name' | 'state'>): string | undefined {
  switch (state) {
    case 'enrolled':
      return undefined;
    case 'revoked':
      return `revoked; to let it back in: gapless-central enroll ${name}`;
    case 'conflict':
      return COPY_SPOKE + name;
  }
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
