import type { KeyObject } from 'node:crypto';
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { join } from 'node:path';
import { AppError } from '@gapless/shared/errors';
import type { Disk } from '@gapless/shared/fs';
import { makePrivateDirectory, readSecret, writeSecret } from '@gapless/shared/fs';
import { hex } from '@gapless/shared/ids';
import { systemRandom } from '@gapless/shared/lifecycle';
import { generateSshKey } from '@gapless/shared/ssh';

/** Central's own keys: who it is to its vehicles, and its SFTP server's host key. */
export interface CentralKeys {
  /** Identity key, SPKI DER; vehicles pin it at enrolment. */
  readonly publicKey: Uint8Array;
  /** SHA-256 of the identity key, hex. */
  readonly keyId: string;
  /** Ed25519 signature (RFC 8032) by the identity key. */
  sign(bytes: Uint8Array): Uint8Array;
  /** Private halves of the SFTP host keys, in OpenSSH's format; the first is the one shown. */
  readonly hostKeys: readonly [string, ...string[]];
}

/** Loads central's keys, making those that are missing, each in a file of mode 0600. */
export async function loadCentralKeys(disk: Disk, keysDir: string): Promise<CentralKeys> {
  await makePrivateDirectory(keysDir);
  const identity = await loadIdentity(disk, join(keysDir, 'identity.pem'));
  const publicKey = createPublicKey(identity).export({ type: 'spki', format: 'der' });
  return {
    publicKey,
    keyId: createHash('sha256').update(publicKey).digest('hex'),
    sign: (bytes) => sign(null, bytes, identity),
    hostKeys: await loadHostKeys(disk, keysDir),
  };
}

async function loadIdentity(disk: Disk, path: string): Promise<KeyObject> {
  let pem = await readSecret(path);
  if (pem === undefined) {
    pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    await writeSecret(disk, path, pem);
  }
  try {
    return createPrivateKey(pem);
  } catch (thrown) {
    throw new AppError('KEY_UNREADABLE', `${path} holds no private key`, {
      cause: thrown,
      hint: 'Restore it from a backup: with a new one, every vehicle has to be enrolled again.',
    });
  }
}

/** `sftp-host.key`, and during a rotation `sftp-host-next.key` beside it. */
async function loadHostKeys(disk: Disk, keysDir: string): Promise<readonly [string, ...string[]]> {
  const path = join(keysDir, 'sftp-host.key');
  let current = await readSecret(path);
  if (current === undefined) {
    current = generateSshKey(systemRandom, 'gapless-central').privateKey;
    await writeSecret(disk, path, current);
  }
  const next = await readSecret(join(keysDir, 'sftp-host-next.key'));
  return next === undefined ? [current] : [current, next];
}

/** First half of a SHA-256, hex: what a claim code has room for. */
export function prefixOf(sha256: Uint8Array): string {
  return hex(sha256.subarray(0, 16));
}
