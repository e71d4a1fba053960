import type { KeyObject } from 'node:crypto';
import { createHash, createPublicKey, verify } from 'node:crypto';
import { AppError } from '../errors/index.js';
import { quote } from '../ids/index.js';
import { concat, sshString } from './wire.js';

/** The only key type that the product makes or accepts: small, fast, and without parameters to get wrong. */
export const KEY_TYPE = 'ssh-ed25519';

const WIRE_PREFIX = concat([sshString(KEY_TYPE), new Uint8Array([0, 0, 0, 32])]);
const RAW_BYTES = 32;
const SIGNATURE_BYTES = 64;

/** An Ed25519 public key in SSH's wire form (RFC 8709 section 4). */
export function publicKeyToWire(raw: Uint8Array): Uint8Array {
  return concat([WIRE_PREFIX, raw]);
}

/** Whether `wire` is an Ed25519 public key in SSH's wire form and nothing else. */
export function isPublicKey(wire: Uint8Array): boolean {
  return (
    wire.length === WIRE_PREFIX.length + RAW_BYTES && WIRE_PREFIX.every((byte, index) => wire[index] === byte)
  );
}

/**
 * Reads an `authorized_keys` line (`ssh-ed25519 AAAA… comment`) into SSH's wire form.
 *
 * @throws ARGUMENT_INVALID when it is anything else, options in front included
 */
export function parsePublicKey(line: string): Uint8Array {
  const [type, base64 = ''] = line.trim().split(/\s+/);
  const wire = new Uint8Array(Buffer.from(base64, 'base64'));
  if (type !== KEY_TYPE || !isPublicKey(wire))
    throw new AppError('ARGUMENT_INVALID', `not an ${KEY_TYPE} public key: ${quote(line)}`);
  return wire;
}

/** OpenSSH's notation, `SHA256:` and unpadded base64, of a key as an `authorized_keys` line or in wire form. */
export function fingerprintOf(publicKey: string | Uint8Array): string {
  const wire = typeof publicKey === 'string' ? parsePublicKey(publicKey) : publicKey;
  return `SHA256:${createHash('sha256').update(wire).digest('base64').replace(/=+$/, '')}`;
}

/** Whether `signature` (64 bytes) is that of `data` by the key in wire form. Never throws: what is malformed is false. */
export function verifySignature(wire: Uint8Array, data: Uint8Array, signature: Uint8Array): boolean {
  if (!isPublicKey(wire) || signature.length !== SIGNATURE_BYTES) return false;
  try {
    return verify(null, data, keyObject(wire.subarray(WIRE_PREFIX.length)), signature);
  } catch {
    // 32 bytes that are no point on the curve.
    return false;
  }
}

function keyObject(raw: Uint8Array): KeyObject {
  const x = Buffer.from(raw).toString('base64url');
  return createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x } });
}
