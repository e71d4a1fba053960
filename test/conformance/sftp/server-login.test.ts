import { connect } from 'node:net';
import { systemRandom } from '@gapless/shared/lifecycle';
import { generateSshKey } from '@gapless/shared/ssh';
import type { ConnectConfig } from 'ssh2';
import { describe, expect, it } from 'vitest';
import { login, messageOf, RawClient, statusOf } from './support/raw-client.js';
import { SftpKit, VEHICLE } from './support/sftp-kit.js';

const stranger = generateSshKey(systemRandom, 'stranger');

/** Every byte that the server says to one that may not come in, as seen by the client's own debugging. */
async function conversation(kit: SftpKit, config: Partial<ConnectConfig>): Promise<string[]> {
  const said: string[] = [];
  const debug = (line: string): void => {
    if (line.includes('Inbound: Received')) said.push(line);
  };
  await messageOf(login(kit, { ...config, debug }));
  return said;
}

describe('logging in to the SFTP server', () => {
  it('lets in the vehicle with its key', async () => {
    await using kit = await SftpKit.create();
    await using raw = await RawClient.connect(kit);
    expect(await raw.ask((answer) => raw.sftp.realpath('.', answer))).toBe('/');
    expect(kit.server.sessionCount).toBe(1);
  });

  it('answers an unknown vehicle and a wrong key alike', async () => {
    await using kit = await SftpKit.create();
    const wrongKey = await conversation(kit, { privateKey: stranger.privateKey });
    const unknown = await conversation(kit, { username: 'nobody' });
    const odd = await conversation(kit, { username: '../etc' });
    expect(wrongKey).toEqual(unknown);
    expect(odd).toEqual(unknown);
    expect(unknown.some((line) => line.includes('USERAUTH_FAILURE'))).toBe(true);
  });

  it('knows no password, and no key that is not Ed25519', async () => {
    await using kit = await SftpKit.create();
    const before = kit.authentications;
    await expect(
      login(kit, { authHandler: ['password', 'none'], password: 'secret', privateKey: undefined as never }),
    ).rejects.toThrow('All configured authentication methods failed');
    expect(kit.authentications).toBe(before);
  });

  it('believes a key only with a signature made by it', async () => {
    await using kit = await SftpKit.create();
    // The right public key, offered with somebody else's private one: PK_OK comes, the signature is then wrong.
    const forged = await messageOf(
      login(kit, {
        authHandler: [
          {
            type: 'publickey',
            username: VEHICLE,
            key: forgedKey(kit.vehicleKey.privateKey, stranger.privateKey),
          },
        ] as never,
      }),
    );
    expect(forged).toBe('All configured authentication methods failed');
    expect(kit.authentications).toBe(2);
  });

  it('gives out neither shell nor command nor forwarding', async () => {
    await using kit = await SftpKit.create();
    const { client, socket } = await login(kit);
    const ask = (send: (answer: (error: Error | undefined) => void) => void): Promise<unknown> =>
      new Promise<void>((resolve, reject) => send((error) => (error ? reject(error) : resolve())));
    const refused = [
      ask((answer) => client.shell(answer)),
      ask((answer) => client.exec('id', answer)),
      ask((answer) => client.subsys('netconf', answer)),
      ask((answer) => client.forwardIn('127.0.0.1', 0, answer)),
      ask((answer) => client.forwardOut('127.0.0.1', 1, '127.0.0.1', kit.port, answer)),
    ];
    expect((await Promise.all(refused.map(statusOf))).every((status) => status !== 0)).toBe(true);
    socket.destroy();
  });

  it('speaks authenticated encryption only, strictly', async () => {
    await using kit = await SftpKit.create();
    await expect(login(kit, { algorithms: { cipher: ['aes256-ctr'] } })).rejects.toThrow('no matching');
    await expect(login(kit, { algorithms: { cipher: ['chacha20-poly1305@openssh.com'] } })).rejects.toThrow(
      'no matching',
    );
    await expect(login(kit, { algorithms: { kex: ['diffie-hellman-group14-sha1'] } })).rejects.toThrow(
      'no matching',
    );
    const lines: string[] = [];
    const { socket } = await login(kit, { debug: (line) => lines.push(line) });
    socket.destroy();
    expect(lines.some((line) => line.includes('strict KEX mode enabled'))).toBe(true);
  });

  it('shows the first host key, names all, and can change them while it runs', async () => {
    await using kit = await SftpKit.create();
    const next = generateSshKey(systemRandom, 'next');
    await using before = await RawClient.connect(kit);
    kit.server.useHostKeys([next.privateKey, kit.hostKey.privateKey]);
    expect(kit.server.hostKeyFingerprints).toEqual([next.fingerprint, kit.hostKey.fingerprint]);
    let shown = '';
    await messageOf(
      login(kit, { hostHash: 'sha256', hostVerifier: (hash: string) => ((shown = hash), false) }),
    );
    expect(`SHA256:${Buffer.from(shown, 'hex').toString('base64').replace(/=+$/, '')}`).toBe(
      next.fingerprint,
    );
    // Who is in stays in.
    expect(await before.ask((answer) => before.sftp.realpath('.', answer))).toBe('/');
  });
});

describe('the limits of the SFTP server', () => {
  it('closes a connection that does not get to SFTP in time', async () => {
    await using kit = await SftpKit.create({ handshakeMs: 50 });
    const socket = connect(kit.port, '127.0.0.1');
    socket.resume();
    await new Promise<void>((resolve) => socket.on('close', () => resolve()));
    // Logged in, but nothing asked for.
    const { client } = await login(kit);
    await new Promise<void>((resolve) => client.on('close', () => resolve()));
  });

  it('keeps out strangers beyond the cap, and lets in again when they leave', async () => {
    await using kit = await SftpKit.create({
      gate: { unauthenticated: 3, unauthenticatedPerAddress: 2, sessions: 10 },
    });
    const idle = [connect(kit.port, '127.0.0.1'), connect(kit.port, '127.0.0.1')];
    // Each has read the server's identification, so it is in the count.
    await Promise.all(idle.map((socket) => new Promise((resolve) => socket.once('data', resolve))));
    await expect(login(kit)).rejects.toThrow();
    const left = new Promise<void>((resolve) => idle[0]!.once('close', () => resolve()));
    idle[0]!.destroy();
    await left;
    await expect.poll(async () => statusOf(RawClient.connect(kit)), { interval: 10 }).toBe(0);
    idle[1]!.destroy();
  });

  it('ends a vehicle’s oldest session when it has too many', async () => {
    await using kit = await SftpKit.create({ sessionsPerVehicle: 2 });
    await using oldest = await RawClient.connect(kit);
    await using middle = await RawClient.connect(kit);
    const ended = new Promise<void>((resolve) => oldest.socket.once('close', () => resolve()));
    await using newest = await RawClient.connect(kit);
    await ended;
    for (const raw of [middle, newest])
      expect(await raw.ask((answer) => raw.sftp.realpath('.', answer))).toBe('/');
    expect(kit.server.sessionCount).toBe(2);
  });

  it('ends a vehicle’s sessions when it is told to', async () => {
    await using kit = await SftpKit.create();
    await using raw = await RawClient.connect(kit);
    const ended = new Promise<void>((resolve) => raw.socket.once('close', () => resolve()));
    kit.server.disconnect(VEHICLE);
    await ended;
  });

  it('bounds open files and channels', async () => {
    await using kit = await SftpKit.create();
    kit.ticket('clip', 10);
    await using raw = await RawClient.connect(kit);
    const opened = await Promise.all(Array.from({ length: 70 }, () => statusOf(raw.open('clip'))));
    expect(opened.filter((status) => status === 3)).not.toHaveLength(0);
    const channels = await Promise.all(
      Array.from({ length: 6 }, () =>
        statusOf(
          raw.ask((answer) => raw.client.sftp((error: Error | undefined, sftp) => answer(error, sftp))),
        ),
      ),
    );
    expect(channels.filter((status) => status === 0)).toHaveLength(3);
  });

  it('survives garbage at every stage', async () => {
    await using kit = await SftpKit.create();
    for (const garbage of [
      '\r\n\r\n',
      'GET / HTTP/1.1\r\n\r\n',
      'SSH-2.0-x\r\n\0\0\0\0',
      'A'.repeat(100_000),
    ]) {
      const socket = connect(kit.port, '127.0.0.1');
      socket.on('error', () => undefined);
      const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
      socket.resume().end(garbage);
      await closed;
    }
    await using raw = await RawClient.connect(kit);
    const { outgoing, _protocol } = raw.sftp as unknown as {
      outgoing: { id: number };
      _protocol: { channelData(id: number, data: Buffer): void };
    };
    const closed = new Promise<void>((resolve) => raw.socket.on('close', () => resolve()));
    _protocol.channelData(outgoing.id, Buffer.from([0, 0, 0, 5, 6, 0, 0, 0, 1]));
    await closed;
    await using after = await RawClient.connect(kit);
    expect(await after.ask((answer) => after.sftp.realpath('.', answer))).toBe('/');
  });
});

/** A key of ssh2 that shows one public key and signs with another private one. */
function forgedKey(shown: string, signer: string): unknown {
  const { utils } = RawClient.ssh2;
  const parse = (pem: string): Record<string, unknown> => {
    const key = utils.parseKey(pem);
    if (key instanceof Error) throw key;
    return key as unknown as Record<string, unknown>;
  };
  const front = parse(shown);
  const back = parse(signer) as unknown as { sign(data: Buffer): Buffer };
  front['sign'] = (data: Buffer) => back.sign(data);
  return front;
}
