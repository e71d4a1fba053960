import type { Socket } from 'node:net';
import { AppError } from '@gapless/shared/errors';
import { isName } from '@gapless/shared/ids';
import { fingerprintOf, isPublicKey, KEY_TYPE, verifySignature } from '@gapless/shared/ssh';
import type { AuthContext, Connection, ParsedKey } from 'ssh2';
import ssh2 from 'ssh2';
import type { SftpChannelOptions } from './ssh-sftp.js';
import { serveSftp } from './ssh-sftp.js';

/** A host key, ready to be shown. */
export interface HostKey {
  readonly parsed: ParsedKey;
  /** OpenSSH's notation, as tickets name it. */
  readonly fingerprint: string;
}

/** What a connection asks of, and tells, whoever serves it. */
export interface SshConnectionHandlers {
  isAuthorised(user: string, publicKey: Uint8Array): boolean;
  onLoginRefused(user: string): void;
  /** The client proved who it is. */
  onLogin(user: string): void;
  /** The client opens an SFTP channel; returns what serves it. */
  onSftp(user: string): SftpChannelOptions;
}

/** Signs of life: three unanswered in a row end the connection. The socket rests while the disk is slow, so not too few. */
const KEEPALIVE_INTERVAL_MS = 15_000;
const KEEPALIVE_COUNT = 3;

/** Keys that one connection may try. ssh-agents offer several. */
const MAX_ATTEMPTS = 8;

/** SFTP channels of one connection. */
const MAX_CHANNELS = 4;

/**
 * Reads an unencrypted Ed25519 private key in OpenSSH's notation.
 *
 * @throws SFTP_KEY_INVALID
 */
export function parseHostKey(pem: string): HostKey {
  const parsed = ssh2.utils.parseKey(pem);
  if (parsed instanceof Error || !parsed.isPrivateKey() || !isPublicKey(parsed.getPublicSSH()))
    throw new AppError('SFTP_KEY_INVALID', 'a host key of the SFTP server cannot be used', {
      hint: 'Give an unencrypted key as made by: ssh-keygen -t ed25519 -N ""',
    });
  return { parsed, fingerprint: fingerprintOf(parsed.getPublicSSH()) };
}

/**
 * Speaks SSH on an accepted socket until it closes. Algorithms are a short list on purpose: authenticated encryption
 * only, one kind of host key, no compression. Nothing but the sftp subsystem is ever granted.
 */
export function serveSsh(socket: Socket, hostKey: HostKey, handlers: SshConnectionHandlers): void {
  // One server object for each socket: ssh2 tells of a connection without saying on which socket it came.
  const server = new ssh2.Server(
    {
      hostKeys: [{ key: hostKey.parsed }],
      ident: 'Gapless',
      keepaliveInterval: KEEPALIVE_INTERVAL_MS,
      keepaliveCountMax: KEEPALIVE_COUNT,
      algorithms: {
        kex: ['curve25519-sha256', 'curve25519-sha256@libssh.org', 'ecdh-sha2-nistp256'],
        cipher: ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com'],
        compress: ['none'],
      },
    },
    (client) => serveClient(client, socket, handlers),
  );
  server.injectSocket(socket);
}

function serveClient(client: Connection, socket: Socket, handlers: SshConnectionHandlers): void {
  let user = '';
  let attempts = 0;
  let channels = 0;
  // Whatever goes wrong on the wire, ssh2 ends the socket, and its closing is what everyone acts upon.
  client.on('error', () => socket.destroy());
  client.on('authentication', (context) => {
    // Before anything is decided: ssh2 reports a client ready from within its acceptance.
    user = context.username;
    if (context.method === 'none') {
      context.reject(['publickey']);
    } else if (++attempts > MAX_ATTEMPTS) {
      socket.destroy();
    } else {
      authenticate(context, handlers);
    }
  });
  client.on('ready', () => handlers.onLogin(user));
  client.on('session', (accept, reject) => {
    if (channels >= MAX_CHANNELS) {
      reject();
      return;
    }
    const session = accept();
    channels++;
    session.on('close', () => channels--);
    session.on('sftp', (acceptSftp) => serveSftp(acceptSftp(), handlers.onSftp(user)));
  });
}

/** Lets in who holds the private key. An unknown vehicle and a wrong key get the same answer. */
function authenticate(context: AuthContext, handlers: SshConnectionHandlers): void {
  const known =
    context.method === 'publickey' &&
    context.key.algo === KEY_TYPE &&
    isName(context.username) &&
    handlers.isAuthorised(context.username, context.key.data);
  if (!known) {
    handlers.onLoginRefused(context.username);
    context.reject(['publickey']);
    return;
  }
  const { signature, blob } = context;
  // Without a signature the client only asks whether this key is worth signing with.
  if (signature && !(blob && verifySignature(context.key.data, blob, signature))) {
    handlers.onLoginRefused(context.username);
    context.reject(['publickey']);
    return;
  }
  context.accept();
}
