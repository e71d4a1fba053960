import type { KeyObject } from 'node:crypto';
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '@gapless/shared/errors';
import type { Disk } from '@gapless/shared/fs';
import { makePrivateDirectory, readSecret, writeSecret } from '@gapless/shared/fs';
import { systemRandom } from '@gapless/shared/lifecycle';
import { generateSshKey } from '@gapless/shared/ssh';

/** An Ed25519 key of the agent. Its private half never leaves the box. */
export interface AgentKey {
  /** SHA-256 of the public half, hex. */
  readonly id: string;
  /** SPKI DER. */
  readonly publicKey: Uint8Array;
  /** Ed25519 signature (RFC 8032) over `bytes`. */
  sign(bytes: Uint8Array): Uint8Array;
}

/**
 * What lets the box in at central. Made anew at each enrolment, so that a copy of the box that was made before is shut
 * out by it.
 */
export interface AccessKeys {
  /** Answers central's challenge. */
  readonly link: AgentKey;
  /** Logs in to SFTP: private half in OpenSSH's format, public half as an `authorized_keys` line. */
  readonly sftp: { readonly privateKey: string; readonly publicKey: string };
}

/** One key for each purpose, so that a leak or a rotation of one touches nothing else. */
export interface AgentKeys extends AccessKeys {
  /** Signs each closed segment. Stays for the life of the state directory: it proves what was recorded long ago. */
  readonly evidence: AgentKey;
}

/** Loads the key that signs segments, making it if there is none, in a file of mode 0600. */
export async function loadEvidenceKey(disk: Disk, stateDir: string): Promise<AgentKey> {
  await makePrivateDirectory(keysDir(stateDir));
  return loadKey(disk, join(keysDir(stateDir), 'evidence.pem'));
}

/** Makes the access keys of one enrolment, or loads them, each in a file of mode 0600. */
export async function loadAccessKeys(disk: Disk, stateDir: string, enrolment: string): Promise<AccessKeys> {
  const directory = join(keysDir(stateDir), enrolment);
  await makePrivateDirectory(keysDir(stateDir));
  await makePrivateDirectory(directory);
  return {
    link: await loadKey(disk, join(directory, 'link.pem')),
    sftp: await loadSshKey(disk, join(directory, 'sftp.key')),
  };
}

/** Whether the access keys of an enrolment are there; makes none. */
export async function hasAccessKeys(stateDir: string, enrolment: string): Promise<boolean> {
  const directory = join(keysDir(stateDir), enrolment);
  const [link, sftp] = await Promise.all([
    readSecret(join(directory, 'link.pem')),
    readSecret(join(directory, 'sftp.key')),
  ]);
  return link !== undefined && sftp !== undefined;
}

/** Removes the access keys of every enrolment but one. */
export async function forgetAccessKeys(stateDir: string, except: string | undefined): Promise<void> {
  for (const entry of await readdir(keysDir(stateDir), { withFileTypes: true })) {
    if (entry.isDirectory() && entry.name !== except)
      await rm(join(keysDir(stateDir), entry.name), { recursive: true });
  }
}

function keysDir(stateDir: string): string {
  return join(stateDir, 'keys');
}

/**
 * The public half of the key that signs segments, SPKI DER; `undefined` when there is none yet.
 *
 * @throws KEY_UNREADABLE, SECRET_EXPOSED
 */
export async function readEvidenceKey(stateDir: string): Promise<Uint8Array | undefined> {
  const path = join(keysDir(stateDir), 'evidence.pem');
  const pem = await readSecret(path);
  return pem === undefined ? undefined : agentKey(parsePrivate(path, pem)).publicKey;
}

async function loadKey(disk: Disk, path: string): Promise<AgentKey> {
  let pem = await readSecret(path);
  if (pem === undefined) {
    pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    await writeSecret(disk, path, pem);
  }
  return agentKey(parsePrivate(path, pem));
}

function agentKey(privateKey: KeyObject): AgentKey {
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  return {
    id: createHash('sha256').update(publicKey).digest('hex'),
    publicKey,
    sign: (bytes) => sign(null, bytes, privateKey),
  };
}

function parsePrivate(path: string, pem: string): KeyObject {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === 'ed25519') return key;
    throw new Error(`a key of type ${key.asymmetricKeyType ?? 'unknown'}`);
  } catch (thrown) {
    throw new AppError('KEY_UNREADABLE', `${path} holds no Ed25519 private key`, {
      cause: thrown,
      hint: 'Restore the file from a backup, or remove it and enrol this vehicle again.',
    });
  }
}

async function loadSshKey(disk: Disk, path: string): Promise<{ privateKey: string; publicKey: string }> {
  const privateKey = await readSecret(path);
  const publicKey = await readSecret(`${path}.pub`);
  if (privateKey !== undefined && publicKey !== undefined) return { privateKey, publicKey };
  const made = generateSshKey(systemRandom, 'gapless-edge');
  await writeSecret(disk, `${path}.pub`, made.publicKey);
  await writeSecret(disk, path, made.privateKey);
  return { privateKey: made.privateKey, publicKey: made.publicKey };
}
