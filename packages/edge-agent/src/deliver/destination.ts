import { AppError } from '@gapless/shared/errors';
import { quote } from '@gapless/shared/ids';
import { redactUrls } from '@gapless/shared/log';
import type { HostKeyType, SftpEndpoint } from '../upload/index.js';
import type { KnownHostKey } from './host-keys.js';
import { parseHostKey } from './host-keys.js';
import type { PathTemplate } from './template-policy.js';
import { parseTemplate } from './template-policy.js';

/** Where to upload to, as a caller names it. */
export interface DestinationText {
  /** `sftp://user@host:port/path/{template}`. */
  readonly url: string;
  /** Fingerprints, keys or lines of `known_hosts`: any of these the server may show. */
  readonly hostKeys: readonly string[];
}

export interface Destination {
  readonly endpoint: SftpEndpoint;
  /** Types of the host keys, as far as they are known: a server is asked for one of these first. */
  readonly keyTypes: readonly HostKeyType[];
  readonly template: PathTemplate;
}

// The path is kept as it is typed: `URL` would resolve its dots and change its braces.
const ADDRESS = /^sftp:\/\/(?:([^@/?#]*)@)?(\[[0-9a-f:.]+\]|[^:/?#@[\]]+)(?::(\d{1,5}))?(\/[^?#]*)?$/i;

/** @throws ARGUMENT_INVALID */
export function parseDestination({ url, hostKeys }: DestinationText): Destination {
  const match = ADDRESS.exec(url);
  const [, login, host, port = '22', path = '/'] = match ?? [];
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535) throw notAnAddress(url);
  if (login?.includes(':'))
    throw new AppError('ARGUMENT_INVALID', 'the address of the destination holds a password', {
      hint: 'Addresses are seen by everybody and kept in logs: change that password, and name a file with it: --password-file FILE.',
    });
  const user = decoded(login ?? '');
  if (user === '')
    throw new AppError('ARGUMENT_INVALID', 'the address of the destination names no user', {
      hint: 'Write it as sftp://user@host/path.',
    });
  const keys = hostKeys.map(parseHostKey);
  if (keys.length === 0)
    throw new AppError('ARGUMENT_INVALID', `no host key is named for ${host}`, {
      hint:
        'Without it anybody could pose as the server. Ask whoever runs it for the fingerprint, and give it with --host-key. ' +
        'What it shows: ssh-keyscan HOST | ssh-keygen -lf -',
    });
  return {
    endpoint: {
      host: host.replace(/^\[|\]$/g, ''),
      port: Number(port),
      user,
      hostKeys: keys.map(({ fingerprint }) => fingerprint),
    },
    keyTypes: knownTypes(keys),
    template: parseTemplate(path),
  };
}

function knownTypes(keys: readonly KnownHostKey[]): HostKeyType[] {
  return [...new Set(keys.flatMap(({ type }) => type ?? []))];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function notAnAddress(url: string): AppError {
  return new AppError('ARGUMENT_INVALID', `not an address to upload to: ${quote(redactUrls(url))}`, {
    hint: 'Write it as sftp://user@host/path, sftp://user@host:2222/path, or sftp://user@host/~/path below the home directory.',
  });
}
