import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Disk } from '@gapless/shared/fs';
import { writeSecret } from '@gapless/shared/fs';
import type { Random } from '@gapless/shared/ids';
import { newSortableId } from '@gapless/shared/ids';
import type { Clock } from '@gapless/shared/time';
import type { Store } from '../store/store.js';
import type { Role, Token } from '../store/tokens.js';

/** Recognisable in a leak, and by secret scanners. */
const PREFIX = 'gapless_';

export interface TokenPort {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
}

/** Makes a bearer token; the plain text is known to nobody but the caller from here on. */
export async function makeToken(
  port: TokenPort,
  name: string,
  role: Role,
): Promise<{ token: Token; plain: string }> {
  const plain = newPlain(port.random);
  return { token: await addToken(port, plain, { name, role }), plain };
}

/** The token that a program showed, if it is one of ours. */
export function findToken(store: Store, plain: string): Token | undefined {
  return plain.startsWith(PREFIX) && plain.length < 100 ? store.read.tokens.byHash(sha256(plain)) : undefined;
}

/** Where the first administrator's token lies, for the command line on the same machine. */
export function adminTokenPath(dataDir: string): string {
  return join(dataDir, 'admin-token');
}

/** Makes the first administrator's token when there is none at all; returns whether it did. */
export async function ensureAdminToken(port: TokenPort & { disk: Disk }, dataDir: string): Promise<boolean> {
  if (!port.store.read.tokens.isEmpty) return false;
  const plain = newPlain(port.random);
  // The file first: a token that is good and that nobody knows would lock everybody out.
  await writeSecret(port.disk, adminTokenPath(dataDir), `${plain}\n`);
  await addToken(port, plain, { name: 'first administrator', role: 'administrator' });
  return true;
}

function newPlain(random: Random): string {
  return `${PREFIX}${Buffer.from(random.bytes(32)).toString('base64url')}`;
}

async function addToken(
  { store, clock, random }: TokenPort,
  plain: string,
  facts: { name: string; role: Role },
): Promise<Token> {
  const createdMs = clock.nowMs();
  const token = { id: newSortableId('tok', createdMs, random), ...facts, createdMs };
  await store.write((tables) => tables.tokens.add({ ...token, sha256: sha256(plain) }));
  return token;
}

function sha256(text: string): Uint8Array {
  return createHash('sha256').update(text).digest();
}
