import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { parseVehicleId } from '@gapless/shared/ids';
import type { Hello } from '@gapless/shared/protocol';
import { handshakeTranscript } from '@gapless/shared/protocol';
import { describe, expect, it } from 'vitest';
import type { Vehicle, VehicleState } from '../store/vehicles.js';
import { admit } from './admission.js';

const NONCE = '11'.repeat(32);
const BOOT = '0b8a5e1c-2f7d-4e43-9b1a-5b9a3c1d2e3f';
const OTHER_BOOT = '7f8a5e1c-2f7d-4e43-9b1a-5b9a3c1d2e3f';
const LONGEST = parseVehicleId('v'.repeat(64));

const enrolled = generateKeyPairSync('ed25519');
const stranger = generateKeyPairSync('ed25519');

function keyIdOf(pair: typeof enrolled): string {
  return createHash('sha256')
    .update(pair.publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex');
}

function vehicle(facts: { state?: VehicleState; helloCounter?: number; bootId?: string } = {}): Vehicle {
  return {
    ...{ id: 1, name: LONGEST, state: 'enrolled', enrolledMs: 1, helloCounter: 5, bootId: BOOT },
    linkKey: enrolled.publicKey.export({ type: 'spki', format: 'der' }),
    sftpKey: new Uint8Array(),
    evidenceKey: new Uint8Array(),
    ...{ catalogueEpoch: undefined, catalogueSeq: 0, lastSeenMs: undefined, agentVersion: undefined },
    ...{ usedBytes: undefined, freeBytes: undefined },
    ...facts,
  };
}

function hello(facts: Partial<Hello> = {}, pair = enrolled): Hello {
  const said = {
    ...{ type: 'hello' as const, protocol: 1 as const, vehicle: LONGEST, key: keyIdOf(enrolled), counter: 6 },
    ...{ nonce: '22'.repeat(32), bootId: BOOT, catalogueEpoch: OTHER_BOOT, agentVersion: '1', lenses: [] },
    clock: { nowMs: 1, trusted: true, source: 'ntp' as const },
    ...facts,
  };
  const transcript = handshakeTranscript('agent', {
    ...{ vehicle: said.vehicle, agentKey: said.key, counter: said.counter, bootId: said.bootId },
    ...{ centralNonce: NONCE, agentNonce: said.nonce, catalogueEpoch: said.catalogueEpoch },
  });
  return { ...said, signature: sign(null, transcript, pair.privateKey).toString('base64') };
}

const proof = { keyId: keyIdOf(enrolled), centralNonce: NONCE };

describe(admit, () => {
  it('admits the box that was enrolled', () => {
    expect(admit(vehicle(), hello(), proof)).toEqual({ verdict: 'admitted' });
  });

  it('tells an unknown vehicle, another key, a wrong signature and a replayed hello the same', () => {
    const refusals = [
      admit(undefined, hello(), { ...proof, keyId: '' }),
      admit(vehicle(), hello({ key: keyIdOf(stranger) }, stranger), proof),
      admit(vehicle(), hello({}, stranger), proof),
      admit(vehicle(), hello(), { ...proof, centralNonce: '33'.repeat(32) }),
      admit(vehicle(), { ...hello(), counter: 7 }, proof),
      admit(vehicle({ state: 'revoked' }), hello({}, stranger), proof),
    ];
    for (const refusal of refusals) expect(refusal).toEqual(refusals[0]);
    expect(refusals[0]).toMatchObject({
      verdict: 'denied',
      reason: `not enrolled with this key: gapless-central enroll ${LONGEST}`,
    });
  });

  it('turns away a revoked vehicle, and one of two that speak as one, with what to do', () => {
    expect(admit(vehicle({ state: 'revoked' }), hello(), proof)).toEqual({
      verdict: 'denied',
      reason: `revoked; to let it back in: gapless-central enroll ${LONGEST}`,
    });
    expect(admit(vehicle({ state: 'conflict' }), hello(), proof)).toEqual({
      verdict: 'denied',
      reason: `copied box: remove the copy, then gapless-central enroll ${LONGEST}`,
    });
  });

  it('takes an old counter from another boot for a copy or an old image, from the same for an overtaken attempt', () => {
    for (const counter of [1, 5]) {
      expect(admit(vehicle(), hello({ counter, bootId: OTHER_BOOT }), proof).verdict).toBe('conflict');
      expect(admit(vehicle(), hello({ counter }), proof)).toEqual({ verdict: 'superseded' });
    }
  });

  it('admits a box that was booted anew and goes on counting', () => {
    expect(admit(vehicle(), hello({ bootId: OTHER_BOOT }), proof).verdict).toBe('admitted');
  });

  it('gives reasons that fit into a close frame, whatever the name', () => {
    const reasons = [
      admit(undefined, hello(), proof),
      admit(vehicle({ state: 'revoked' }), hello(), proof),
      admit(vehicle({ state: 'conflict' }), hello(), proof),
      admit(vehicle(), hello({ counter: 1, bootId: OTHER_BOOT }), proof),
    ].map((admission) => ('reason' in admission ? admission.reason : ''));
    for (const reason of reasons) {
      expect(reason).toMatch(LONGEST);
      expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(123);
    }
  });
});
