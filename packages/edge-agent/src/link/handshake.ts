import { randomBytes, verify } from 'node:crypto';
import { AppError } from '@gapless/shared/errors';
import type { LensName } from '@gapless/shared/ids';
import type { CentralMessage, Challenge, ClockStatement, Welcome } from '@gapless/shared/protocol';
import { handshakeTranscript, PROTOCOL_VERSION } from '@gapless/shared/protocol';
import type { IdentityFile } from './identity.js';
import type { AccessKeys } from './keys.js';

/** What the agent says of itself when it introduces itself. */
export interface Introduction {
  readonly agentVersion: string;
  readonly bootId: string;
  readonly clock: ClockStatement;
  readonly catalogueEpoch: string;
  readonly lenses: readonly { readonly lens: LensName; readonly live: 'push' | 'off' }[];
}

export interface HandshakePeer {
  send(message: object): void;
  /** The next control message; rejects when the link ends first. */
  next(): Promise<CentralMessage>;
}

/** Central speaks first. */
export async function receiveChallenge(peer: HandshakePeer): Promise<Challenge> {
  const challenge = await peer.next();
  if (challenge.type !== 'challenge') throw unexpected(challenge.type);
  if (!challenge.protocol.includes(PROTOCOL_VERSION)) {
    throw new AppError(
      'LINK_PROTOCOL',
      `central speaks link protocol ${challenge.protocol.join(', ')}, this agent ${PROTOCOL_VERSION}`,
      {
        hint: 'Update the older of the two.',
      },
    );
  }
  return challenge;
}

/** Answers central's challenge, and believes central only if its welcome is signed by the key pinned at enrolment. */
export async function introduce(
  peer: HandshakePeer,
  challenge: Challenge,
  who: { identity: IdentityFile; keys: AccessKeys },
  introduction: Introduction,
): Promise<Welcome> {
  const counter = await who.identity.nextCounter();
  const { vehicle } = who.identity.identity!;
  const facts = {
    vehicle,
    agentKey: who.keys.link.id,
    counter,
    centralNonce: challenge.nonce,
    agentNonce: randomBytes(32).toString('hex'),
    bootId: introduction.bootId,
    catalogueEpoch: introduction.catalogueEpoch,
  };
  const signature = who.keys.link.sign(handshakeTranscript('agent', facts));
  peer.send({
    type: 'hello',
    protocol: PROTOCOL_VERSION,
    vehicle,
    key: facts.agentKey,
    counter,
    nonce: facts.agentNonce,
    ...introduction,
    signature: Buffer.from(signature).toString('base64'),
  });
  const welcome = await peer.next();
  if (welcome.type !== 'welcome') throw unexpected(welcome.type);
  const transcript = handshakeTranscript('central', facts, welcome.hostKeys);
  if (!verify(null, transcript, who.identity.centralKey!, Buffer.from(welcome.signature, 'base64'))) {
    throw new AppError(
      'LINK_IMPOSTOR',
      'the server could not prove that it is the central this vehicle was enrolled at',
      {
        hint: 'If central was installed anew, enrol this vehicle again. If not, somebody is in between: do not enrol.',
      },
    );
  }
  await who.identity.pinHostKeys(welcome.hostKeys);
  return welcome;
}

function unexpected(type: string): AppError {
  return new AppError('LINK_PROTOCOL', `central sent "${type}" in the middle of the handshake`);
}
