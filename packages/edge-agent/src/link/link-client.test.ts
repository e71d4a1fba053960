import { generateKeyPairSync, randomUUID, sign, verify } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError } from '@gapless/shared/errors';
import { nodeDisk } from '@gapless/shared/fs';
import { parseLensName, parseVehicleId } from '@gapless/shared/ids';
import { createLog } from '@gapless/shared/log';
import type { Hello } from '@gapless/shared/protocol';
import { handshakeTranscript } from '@gapless/shared/protocol';
import { SimulatedClock } from '@gapless/shared/time';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { IdentityFile } from './identity.js';
import type { AccessKeys } from './keys.js';
import { loadAccessKeys } from './keys.js';
import { LinkClient } from './link-client.js';
import type { LinkSession } from './link-session.js';
import type { DialOptions, LinkSocket } from './link-socket.js';

const HOST_KEY = `SHA256:${'A'.repeat(43)}`;
const NONCE = 'c'.repeat(64);
const OTHER_HOST_KEY = `SHA256:${'B'.repeat(43)}`;

/** A socket whose other end is scripted. */
class ScriptedSocket implements LinkSocket {
  onText: (text: string) => void = () => undefined;
  onEnd: LinkSocket['onEnd'] = () => undefined;
  bufferedBytes = 0;
  readonly localAddress = '10.0.0.2';
  readonly sent: Record<string, unknown>[] = [];
  ended = false;
  #answer: ((message: Record<string, unknown>, socket: ScriptedSocket) => void) | undefined;

  constructor(answer?: (message: Record<string, unknown>, socket: ScriptedSocket) => void) {
    this.#answer = answer;
  }

  say(message: object): void {
    this.onText(JSON.stringify(message));
  }

  sendText(text: string): void {
    const message = JSON.parse(text) as Record<string, unknown>;
    this.sent.push(message);
    this.#answer?.(message, this);
  }

  sendBinary(): void {
    throw new Error('no video in this test');
  }

  close(code: number, reason: string): void {
    this.end({ code, reason });
  }

  terminate(): void {
    this.end({ code: undefined, reason: '' });
  }

  end(end: { code: number | undefined; reason: string }): void {
    if (this.ended) return;
    this.ended = true;
    this.onEnd(end);
  }
}

const ENROLMENT = '0123456789abcdef';

describe(LinkClient, () => {
  const central = generateKeyPairSync('ed25519');
  const vehicle = parseVehicleId('bus-042');
  let dir: string;
  let clock: SimulatedClock;
  let underWay: number;
  let keys: AccessKeys;
  let identity: IdentityFile;
  let dials: { at: number; options: DialOptions; answer: (socket: LinkSocket | Error) => void }[];
  let sessions: LinkSession[];
  let downs: AppError[];
  let client: LinkClient;
  let stop: AbortController;
  let running: Promise<void>;
  let addresses: readonly string[];

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'gapless-link-'));
    clock = new SimulatedClock();
    keys = await loadAccessKeys(nodeDisk, dir, ENROLMENT);
    identity = await IdentityFile.load(nodeDisk, dir);
    await identity.enrol({
      vehicle,
      enrolment: ENROLMENT,
      centralKey: central.publicKey.export({ type: 'spki', format: 'der' }),
      hostKeys: [HOST_KEY],
    });
    underWay = 0;
    const nextCounter = identity.nextCounter.bind(identity);
    const pinHostKeys = identity.pinHostKeys.bind(identity);
    identity.nextCounter = () => watched(nextCounter());
    identity.pinHostKeys = (announced) => watched(pinHostKeys(announced));
    addresses = ['10.0.0.2'];
    dials = [];
    sessions = [];
    downs = [];
    client = new LinkClient({
      url: 'ws://central/agent/v1',
      ca: undefined,
      identity,
      keys,
      introduce: () => ({
        agentVersion: '1',
        bootId: '0b8a5e1c-2f7d-4e43-9b1a-5b9a3c1d2e3f',
        clock: { nowMs: 1, trusted: true, source: 'ntp' },
        catalogueEpoch: '7f8a5e1c-2f7d-4e43-9b1a-5b9a3c1d2e3f',
        lenses: [{ lens: parseLensName('front'), live: 'push' }],
      }),
      dial: (options) =>
        new Promise((resolve, reject) => {
          options.signal.addEventListener('abort', () => reject(options.signal.reason as Error), {
            once: true,
          });
          dials.push({
            at: clock.monotonicMs(),
            options,
            answer: (socket) => {
              if (socket instanceof Error) reject(socket);
              else resolve(socket);
            },
          });
        }),
      localAddresses: () => new Set(addresses),
      clock,
      random: { bytes: (count) => new Uint8Array(count), fraction: () => 0.5 },
      log: createLog('test', 'silent'),
    });
    client.onSession = (session) => sessions.push(session);
    client.onDown = (why) => downs.push(why);
    stop = new AbortController();
    running = client.run(stop.signal);
  });

  afterEach(async () => {
    stop.abort();
    await clock.advance(3_000);
    await running;
    await rm(dir, { recursive: true });
  });

  /** Counts what is under way in the identity file, whose input and output are real. */
  function watched<T>(operation: Promise<T>): Promise<T> {
    underWay++;
    return operation.finally(() => underWay--);
  }

  async function settled(): Promise<void> {
    do {
      for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
    } while (underWay > 0);
  }

  /** Lets the identity file settle, then simulated time pass. */
  async function pass(ms: number): Promise<void> {
    await settled();
    await clock.advance(ms);
    await settled();
  }

  /** A central that answers every hello, as the real one does. */
  function honest(
    overrides: { privateKey?: typeof central.privateKey; hostKeys?: string[] } = {},
  ): ScriptedSocket {
    const socket = new ScriptedSocket((message, self) => {
      if (message['type'] !== 'hello') return;
      const hello = message as unknown as Hello;
      const facts = {
        vehicle: hello.vehicle,
        agentKey: hello.key,
        counter: hello.counter,
        centralNonce: NONCE,
        agentNonce: hello.nonce,
        bootId: hello.bootId,
        catalogueEpoch: hello.catalogueEpoch,
      };
      expect(
        verify(
          null,
          handshakeTranscript('agent', facts),
          keyObject(keys),
          Buffer.from(hello.signature, 'base64'),
        ),
      ).toBe(true);
      const hostKeys = overrides.hostKeys ?? [HOST_KEY];
      const signature = sign(
        null,
        handshakeTranscript('central', facts, hostKeys),
        overrides.privateKey ?? central.privateKey,
      );
      self.say({
        type: 'welcome',
        session: randomUUID(),
        centralVersion: '1',
        nowMs: 1,
        heartbeatMs: 2_000,
        catalogueSeq: 0,
        hostKeys,
        signature: signature.toString('base64'),
      });
    });
    return socket;
  }

  /** Answers the newest dial with a socket, whose central then speaks first. */
  async function introduceTo(socket: ScriptedSocket): Promise<void> {
    dials.at(-1)!.answer(socket);
    await pass(1);
    socket.say({ type: 'challenge', protocol: [1], nonce: NONCE, sentMs: 1 });
    await pass(1);
    await pass(1);
  }

  async function connect(socket = honest()): Promise<ScriptedSocket> {
    await pass(100);
    await introduceTo(socket);
    return socket;
  }

  it('opens a session with a central that can prove itself', async () => {
    await connect();
    expect(sessions).toHaveLength(1);
    expect(client.session).toBe(sessions[0]);
  });

  it('tells that packets get through before there is a session', async () => {
    const told: number[] = [];
    client.onReached = () => told.push(sessions.length);
    await pass(100);
    dials[0]!.options.onConnected!();
    expect(told).toEqual([0]);
  });

  it('counts every hello on disk before it is sent', async () => {
    const socket = await connect();
    expect(socket.sent[0]).toMatchObject({ type: 'hello', counter: 1 });
    const onDisk = await IdentityFile.load(nodeDisk, dir);
    expect(onDisk.identity!.helloCounter).toBe(1);
  });

  it('takes over the host keys of a signed welcome', async () => {
    await connect(honest({ hostKeys: [HOST_KEY, OTHER_HOST_KEY] }));
    expect((await IdentityFile.load(nodeDisk, dir)).identity!.hostKeys).toEqual([HOST_KEY, OTHER_HOST_KEY]);
  });

  it('does not believe a central with another key, and leaves it alone for a minute', async () => {
    await connect(
      honest({ privateKey: generateKeyPairSync('ed25519').privateKey, hostKeys: [OTHER_HOST_KEY] }),
    );
    expect(sessions).toHaveLength(0);
    expect(client.lastError).toMatchObject({ code: 'LINK_IMPOSTOR', kind: 'permission' });
    expect((await IdentityFile.load(nodeDisk, dir)).identity!.hostKeys).toEqual([HOST_KEY]);
    const before = dials.length;
    await pass(55_000);
    expect(dials).toHaveLength(before);
  });

  it('probes twice a second while nothing answers, with at most four dials under way', async () => {
    await pass(10_000);
    const pending = dials.filter(({ options }) => !options.signal.aborted).length;
    expect(pending).toBeLessThanOrEqual(4);
    expect(dials.length).toBeGreaterThanOrEqual(8);
    expect(dials[1]!.at - dials[0]!.at).toBeGreaterThanOrEqual(500);
  });

  it('keeps a silent session while it probes beside it, and drops the probes when it speaks again', async () => {
    const first = await connect();
    const before = dials.length;
    await pass(4_000);
    expect(first.ended).toBe(false);
    expect(dials.length).toBeGreaterThan(before);
    first.say({ type: 'status-ack', sentAt: 1, nowMs: 1 });
    await pass(200);
    expect(dials.every(({ options }) => options.signal.aborted || options === dials[0]!.options)).toBe(true);
    expect(client.session).toBe(sessions[0]);
    expect(downs).toHaveLength(0);
  });

  it('returns spread over as long as central last asked for when central closes the link', async () => {
    const socket = await connect();
    socket.say({ type: 'status-ack', sentAt: 1, nowMs: 1, spreadMs: 25_000 });
    const before = dials.length;
    socket.end({ code: 1012, reason: 'central restarts' });
    // Of the 25 s the middle is drawn.
    await pass(12_000);
    expect(dials).toHaveLength(before);
    await pass(700);
    expect(dials.length).toBeGreaterThan(before);
  });

  it('returns at once when it saw the link fail, whatever central asked for', async () => {
    const socket = await connect();
    socket.say({ type: 'status-ack', sentAt: 1, nowMs: 1, spreadMs: 25_000 });
    const before = dials.length;
    socket.end({ code: undefined, reason: '' });
    await pass(200);
    expect(dials).toHaveLength(before + 1);
  });

  it('lets the first new session take over from a silent one', async () => {
    const first = await connect();
    await pass(3_600);
    const second = honest();
    await introduceTo(second);
    expect(first.ended).toBe(true);
    expect(second.ended).toBe(false);
    expect(sessions).toHaveLength(2);
    expect(downs).toHaveLength(0);
  });

  it('introduces itself on one new connection at a time: central ends all but the newest', async () => {
    await connect();
    await pass(3_600);
    const [one, other] = [honest(), honest()];
    const [first, second] = dials.slice(-2);
    first!.answer(one);
    second!.answer(other);
    await pass(1);
    for (const socket of [one, other])
      socket.say({ type: 'challenge', protocol: [1], nonce: NONCE, sentMs: 1 });
    await pass(1);
    await pass(1);
    expect(one.sent).toMatchObject([{ type: 'hello' }]);
    expect(other.sent).toEqual([]);
    expect(other.ended).toBe(true);
    expect(client.session).toBe(sessions[1]);
  });

  it('lets the next connection introduce itself when the one before got no answer', async () => {
    await pass(600);
    const [mute, other] = [new ScriptedSocket(), honest()];
    const [first, second] = dials;
    first!.answer(mute);
    second!.answer(other);
    await pass(1);
    for (const socket of [mute, other])
      socket.say({ type: 'challenge', protocol: [1], nonce: NONCE, sentMs: 1 });
    await pass(1);
    expect(other.sent).toEqual([]);
    mute.end({ code: undefined, reason: '' });
    await pass(1);
    await pass(1);
    expect(sessions).toHaveLength(1);
  });

  it('gives a session up after eight silent seconds', async () => {
    const first = await connect();
    await pass(8_500);
    expect(first.ended).toBe(true);
    expect(downs[0]).toMatchObject({ code: 'LINK_LOST' });
  });

  it('does not wait that long when the address it spoke from is gone', async () => {
    const first = await connect();
    addresses = ['10.0.0.3'];
    await pass(3_500);
    expect(first.ended).toBe(true);
  });

  it('gives up the dials from an address that is gone and dials from the new one at once', async () => {
    await pass(3_000);
    const before = dials.length;
    expect(dials.filter(({ options }) => !options.signal.aborted)).toHaveLength(4);
    addresses = ['10.0.0.3'];
    await pass(110);
    expect(dials).toHaveLength(before + 1);
    expect(dials.filter(({ options }) => !options.signal.aborted)).toEqual([dials.at(-1)]);
  });

  it('says what to do when central refuses the vehicle', async () => {
    const socket = new ScriptedSocket((_message, self) =>
      self.end({ code: 4403, reason: 'bus-042 was revoked. To let it back in, enrol it again.' }),
    );
    await connect(socket);
    expect(client.lastError).toMatchObject({
      code: 'LINK_DENIED',
      message: 'bus-042 was revoked. To let it back in, enrol it again.',
    });
  });

  it('backs off from something that answers but is no central', async () => {
    await pass(100);
    dials[0]!.answer(new AppError('LINK_REFUSED', 'nothing listens'));
    await pass(400);
    expect(dials).toHaveLength(1);
    await pass(700);
    expect(dials.length).toBeGreaterThan(1);
  });

  it('says goodbye when it stops', async () => {
    const socket = await connect();
    stop.abort();
    await pass(10);
    expect(socket.sent.at(-1)).toEqual({ type: 'goodbye', reason: 'stopping' });
    expect(socket.ended).toBe(true);
  });
});

function keyObject(keys: AccessKeys) {
  return { key: Buffer.from(keys.link.publicKey), format: 'der' as const, type: 'spki' as const };
}
