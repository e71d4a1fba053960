import { AppError } from '@gapless/shared/errors';
import { isPublicKey } from '@gapless/shared/ssh';
import type { AnyAuthMethod, ConnectConfig, ParsedKey } from 'ssh2';
import ssh2 from 'ssh2';
import type { Refusals } from './errors.js';
import { centralRefusals, foreignRefusals } from './errors.js';

/** How to prove who we are: by a private key as a PEM text, or by a password. */
export type Login = { readonly privateKey: string } | { readonly password: string };

/** A key that ssh2 can sign with. */
type PrivateKey = ParsedKey;

/** How a server is met: what is spoken with it, which keys are shown to it, and what its refusals mean. */
export interface Manners {
  readonly algorithms: NonNullable<ConnectConfig['algorithms']>;
  readonly refusals: Refusals;
  /** Reads a private key; throws what is said of one that cannot be used. */
  readonly parseKey: (pem: string) => PrivateKey;
}

/** Both ends are ours: one choice of each that is good. */
export const centralManners: Manners = {
  algorithms: {
    kex: ['curve25519-sha256', 'curve25519-sha256@libssh.org', 'ecdh-sha2-nistp256'],
    serverHostKey: ['ssh-ed25519'],
    cipher: ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com'],
    compress: ['none'],
  },
  refusals: centralRefusals,
  parseKey: parseVehicleKey,
};

/** What servers show, the best first; each key type with the signature algorithms that it is asked for by. */
const HOST_KEY_ALGORITHMS = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256'],
} as const;

export type HostKeyType = keyof typeof HOST_KEY_ALGORITHMS;

export const HOST_KEY_TYPES = Object.keys(HOST_KEY_ALGORITHMS) as HostKeyType[];

/**
 * Anybody's server: what is not broken, the faster first. A server with several host keys shows the one that it is asked
 * for, so the types of those that are known come first.
 */
export function foreignManners(knownTypes: readonly HostKeyType[]): Manners {
  const types = [...knownTypes, ...HOST_KEY_TYPES.filter((type) => !knownTypes.includes(type))];
  return {
    algorithms: {
      kex: [
        'curve25519-sha256',
        'curve25519-sha256@libssh.org',
        'ecdh-sha2-nistp256',
        'ecdh-sha2-nistp384',
        'ecdh-sha2-nistp521',
        'diffie-hellman-group16-sha512',
        'diffie-hellman-group14-sha256',
      ],
      serverHostKey: types.flatMap((type) => [...HOST_KEY_ALGORITHMS[type]]),
      cipher: ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com', 'aes128-ctr', 'aes256-ctr'],
      hmac: [
        'hmac-sha2-256-etm@openssh.com',
        'hmac-sha2-512-etm@openssh.com',
        'hmac-sha2-256',
        'hmac-sha2-512',
      ],
      compress: ['none'],
    },
    refusals: foreignRefusals,
    parseKey: parseAnyKey,
  };
}

/** Ways to log in, in the order in which they are tried. */
export type LoginMethods = (user: string) => AnyAuthMethod[];

/**
 * Reads what a login needs.
 *
 * @throws SFTP_KEY_INVALID for the key of a vehicle, KEY_UNREADABLE for any other
 */
export function loginMethods(login: Login, { parseKey }: Manners): LoginMethods {
  if ('privateKey' in login) {
    const key = parseKey(login.privateKey);
    return (username) => [{ type: 'publickey', username, key }];
  }
  const { password } = login;
  return (username) => [
    { type: 'password', username, password },
    // Servers that leave passwords to PAM may ask for them only like this. Whatever else they ask stays unanswered.
    {
      type: 'keyboard-interactive',
      username,
      prompt: (...[, , , prompts, finish]) =>
        finish(prompts.length === 1 && prompts[0]?.echo !== true ? [password] : []),
    },
  ];
}

/** An unencrypted Ed25519 private key in OpenSSH's notation. */
function parseVehicleKey(pem: string): PrivateKey {
  const key = ssh2.utils.parseKey(pem);
  if (key instanceof Error || !key.isPrivateKey() || !isPublicKey(key.getPublicSSH()))
    throw new AppError('SFTP_KEY_INVALID', 'the private key of this vehicle cannot be used', {
      hint: 'It must be an unencrypted Ed25519 key in the notation of OpenSSH.',
    });
  return key;
}

function parseAnyKey(pem: string): PrivateKey {
  const key = ssh2.utils.parseKey(pem);
  if (!(key instanceof Error) && key.isPrivateKey()) return key;
  const isLocked = key instanceof Error && /passphrase|encrypted/i.test(key.message);
  throw new AppError(
    'KEY_UNREADABLE',
    isLocked ? 'the private key is locked by a passphrase' : 'the file holds no private key that can be used',
    {
      hint: isLocked
        ? 'The agent works unattended. Make a key without a passphrase for it alone: ssh-keygen -t ed25519 -N "" -f FILE'
        : 'It must be a private key as ssh-keygen writes it: ssh-keygen -t ed25519 -N "" -f FILE',
    },
  );
}
