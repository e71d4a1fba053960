import { AppError } from '@gapless/shared/errors';
import { quote } from '@gapless/shared/ids';
import { fingerprintOf } from '@gapless/shared/ssh';
import type { HostKeyType } from '../upload/index.js';
import { HOST_KEY_TYPES } from '../upload/index.js';

export interface KnownHostKey {
  /** `SHA256:…`. */
  readonly fingerprint: string;
  /** Unknown where only the fingerprint is. */
  readonly type: HostKeyType | undefined;
}

/**
 * Reads what names a host key: a fingerprint (`SHA256:…`), a key (`ssh-ed25519 AAAA…`), or a line of `known_hosts`.
 *
 * @throws ARGUMENT_INVALID
 */
export function parseHostKey(text: string): KnownHostKey {
  const fingerprint = /^SHA256:([A-Za-z0-9+/]{43})=?$/.exec(text.trim())?.[1];
  if (fingerprint !== undefined) return { fingerprint: `SHA256:${fingerprint}`, type: undefined };
  const words = text.trim().split(/\s+/);
  const at = words.findIndex((word) => isKeyType(word));
  const type = words[at] as HostKeyType | undefined;
  // Of a line of known_hosts the host stands in front; a mark before that says that the key is revoked, or no host's own.
  if (type === undefined || at > 1 || words[0]!.startsWith('@')) throw notAKey(text);
  const wire = Buffer.from(words[at + 1] ?? '', 'base64');
  if (wire.length < 4 + type.length || wire.readUInt32BE(0) !== type.length) throw notAKey(text);
  if (wire.toString('latin1', 4, 4 + type.length) !== type) throw notAKey(text);
  return { fingerprint: fingerprintOf(wire), type };
}

function isKeyType(word: string): word is HostKeyType {
  return (HOST_KEY_TYPES as readonly string[]).includes(word);
}

function notAKey(text: string): AppError {
  return new AppError('ARGUMENT_INVALID', `not a host key: ${quote(text)}`, {
    hint: 'Write it as SHA256:…, as "ssh-ed25519 AAAA…", or as a line of known_hosts, in quotes.',
  });
}
