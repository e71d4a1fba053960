import { createPrivateKey, createPublicKey } from 'node:crypto';
import type { Random } from '../ids/index.js';
import { fingerprintOf, KEY_TYPE, publicKeyToWire } from './public-key.js';
import { concat, sshString, uint32 } from './wire.js';

/** A key pair in the notations that OpenSSH's own tools read and write. */
export interface SshKeyPair {
  /** Unencrypted OpenSSH private key, a PEM text. A secret: keep it in a file of mode 0600. */
  readonly privateKey: string;
  /** One `authorized_keys` line. */
  readonly publicKey: string;
  /** `SHA256:…` of the public key. */
  readonly fingerprint: string;
}

/** RFC 8410: what stands before the 32 bytes of an Ed25519 private key in PKCS #8. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

/** OpenSSH pads the private section to the block size of its cipher, which is 8 for "none". */
const PADDING_BLOCK = 8;

/** Makes an Ed25519 key pair. `comment` ends up in both keys, for whoever finds them later. */
export function generateSshKey(random: Random, comment = 'gapless'): SshKeyPair {
  const seed = random.bytes(32);
  const raw = rawPublicKey(seed);
  const wire = publicKeyToWire(raw);
  return {
    privateKey: opensshPem(privateSection({ seed, raw, comment, check: random.bytes(4) }), wire),
    publicKey: `${KEY_TYPE} ${Buffer.from(wire).toString('base64')} ${comment}`,
    fingerprint: fingerprintOf(wire),
  };
}

function rawPublicKey(seed: Uint8Array): Uint8Array {
  const der = Buffer.concat([PKCS8_PREFIX, seed]);
  const key = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
  const { x = '' } = key.export({ format: 'jwk' });
  return new Uint8Array(Buffer.from(x, 'base64url'));
}

/** The part of OpenSSH's PROTOCOL.key that would be encrypted; `check` stands there twice to prove a decryption. */
function privateSection(key: {
  readonly seed: Uint8Array;
  readonly raw: Uint8Array;
  readonly comment: string;
  readonly check: Uint8Array;
}): Uint8Array {
  const content = concat([
    key.check,
    key.check,
    sshString(KEY_TYPE),
    sshString(key.raw),
    sshString(concat([key.seed, key.raw])),
    sshString(key.comment),
  ]);
  const padding = (PADDING_BLOCK - (content.length % PADDING_BLOCK)) % PADDING_BLOCK;
  return concat([content, Uint8Array.from({ length: padding }, (_, index) => index + 1)]);
}

function opensshPem(section: Uint8Array, wire: Uint8Array): string {
  const blob = concat([
    Buffer.from('openssh-key-v1\0', 'latin1'),
    sshString('none'),
    sshString('none'),
    sshString(''),
    uint32(1),
    sshString(wire),
    sshString(section),
  ]);
  const lines =
    Buffer.from(blob)
      .toString('base64')
      .match(/.{1,70}/g) ?? [];
  return ['-----BEGIN OPENSSH PRIVATE KEY-----', ...lines, '-----END OPENSSH PRIVATE KEY-----', ''].join(
    '\n',
  );
}
