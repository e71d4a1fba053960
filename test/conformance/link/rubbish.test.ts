import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeDisk } from '@gapless/shared/fs';
import { parseLensName, parseVehicleId } from '@gapless/shared/ids';
import { noSteps, systemRandom } from '@gapless/shared/lifecycle';
import { createLog } from '@gapless/shared/log';
import { MAX_MESSAGE_BYTES } from '@gapless/shared/protocol';
import { SimulatedClock, systemClock } from '@gapless/shared/time';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { Central } from '../../../packages/central/src/central.js';
import { centralConfigSchema } from '../../../packages/central/src/config.js';
import type { AgentSocket } from '../../../packages/central/src/link/agent-socket.js';
import { AgentSession } from '../../../packages/central/src/link/index.js';
import { introduce, receiveChallenge } from '../../../packages/edge-agent/src/link/handshake.js';
import type { LinkSession } from '../../../packages/edge-agent/src/link/index.js';
import {
  dialLink,
  enrol,
  IdentityFile,
  LinkSession as Session,
  loadAccessKeys,
} from '../../../packages/edge-agent/src/link/index.js';
import { seededRandom } from '../../support/seeded-random.js';

const BUS = parseVehicleId('bus-042');

interface Ended {
  readonly code: number;
  readonly reason: string;
}

describe('a peer that sends rubbish', () => {
  let dir: string;
  let central: Central;
  let link: string;
  let counter = 0;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'gapless-rubbish-'));
    central = await Central.start({
      config: centralConfigSchema.parse({
        dataDir: join(dir, 'central'),
        http: { listen: '127.0.0.1:0' },
        sftp: { listen: '127.0.0.1:0' },
      }),
      ...{ version: '1', disk: nodeDisk, clock: systemClock, random: systemRandom, step: noSteps },
      log: createLog('central', 'silent'),
    });
    link = `${central.listening.http.replace('http', 'ws')}/agent/v1`;
  });

  afterAll(async () => {
    await central[Symbol.asyncDispose]();
    await rm(dir, { recursive: true });
  });

  /** Sends frames without a word of introduction; resolves with how central ends it. */
  async function stranger(frames: readonly (string | Buffer)[]): Promise<Ended> {
    const socket = new WebSocket(link);
    const ended = new Promise<Ended>((resolve) =>
      socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() })),
    );
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.once('message', resolve)); // the challenge
    for (const frame of frames) socket.send(frame);
    return ended;
  }

  /** A session of an enrolled vehicle, its handshake done. */
  async function admitted(): Promise<LinkSession> {
    const stateDir = join(dir, `vehicle-${counter++}`);
    const http = central.listening.http;
    const token = await readFile(join(dir, 'central', 'admin-token'), 'utf8');
    const answer = await fetch(`${http}/api/v1/vehicles/${BUS}/claim`, {
      ...{ method: 'POST', headers: { authorization: `Bearer ${token.trim()}` } },
    });
    const { code } = (await answer.json()) as { code: string };
    await enrol({ disk: nodeDisk, random: systemRandom, stateDir }, { vehicle: BUS, centralUrl: http, code });
    const identity = await IdentityFile.load(nodeDisk, stateDir);
    const keys = await loadAccessKeys(nodeDisk, stateDir, identity.identity!.enrolment);
    const socket = await dialLink({
      ...{ url: link, ca: undefined, timeoutMs: 5_000, signal: new AbortController().signal },
    });
    const session = new Session(socket, systemClock);
    const welcome = await introduce(
      session,
      await receiveChallenge(session),
      { identity, keys },
      {
        ...{ agentVersion: '1', bootId: '0b8a5e1c-2f7d-4e43-9b1a-5b9a3c1d2e3f' },
        clock: { nowMs: systemClock.nowMs(), trusted: true, source: 'ntp' },
        catalogueEpoch: '7f8a5e1c-2f7d-4e43-9b1a-5b9a3c1d2e3f',
        lenses: [{ lens: parseLensName('front'), live: 'push' }],
      },
    );
    session.begin(welcome);
    return session;
  }

  async function connectedVehicles(): Promise<string> {
    const metrics = await (await fetch(`${central.listening.http}/metrics`)).text();
    return /^gapless_edge_connected (\d+)$/m.exec(metrics)?.[1] ?? metrics;
  }

  it.each([
    ['text that is no JSON', ['{'], 4400, /JSON/],
    ['JSON that is no message', ['[1, 2, 3]'], 4400, /./],
    ['a message before its hello', ['{"type":"goodbye","reason":"stopping"}'], 4501, /before the hello/],
    ['a hello without what belongs in it', ['{"type":"hello"}'], 4400, /hello/],
    ['video before its hello', [Buffer.alloc(64)], 4501, /before the hello/],
    ['deeply nested JSON', ['['.repeat(200_000)], 4400, /JSON/],
    ['a message beyond all bounds', ['"' + 'x'.repeat(MAX_MESSAGE_BYTES + 1) + '"'], 1009, /^/],
  ] as const)('%s is told so and is gone', async (_what, frames, code, reason) => {
    const ended = await stranger(frames);
    expect(ended).toMatchObject({ code, reason: expect.stringMatching(reason) as string });
  });

  it('at random, text or binary, is always told so and is gone', async () => {
    const random = seededRandom(20_261_121);
    for (let i = 0; i < 200; i++) {
      const bytes = Buffer.from(random.bytes(1 + Math.floor(random.fraction() * 300)));
      const { code } = await stranger([i % 2 === 0 ? bytes : bytes.toString('latin1')]);
      expect(code).toBeGreaterThanOrEqual(4400);
    }
  });

  it.each([
    [
      'a second hello',
      (session: LinkSession) => session.send({ type: 'hello' }),
      /LINK|hello|central closed/,
    ],
    [
      'a catalogue out of bounds',
      (session: LinkSession) =>
        session.send({ type: 'catalogue', fromSeq: -1, throughSeq: 1e300, changes: [] }),
      /./,
    ],
    [
      'a status of lenses that it does not have',
      (session: LinkSession) => session.send({ type: 'status', sentAt: 'now' }),
      /./,
    ],
  ] as const)(
    'as an enrolled vehicle, %s, loses its session and nothing else',
    async (_what, send, message) => {
      const session = await admitted();
      const ended = new Promise<Error>(
        (resolve) => (session.onEnd = () => resolve(session.signal.reason as Error)),
      );
      send(session);
      expect((await ended).message).toMatch(message);
      const again = await admitted();
      expect(await connectedVehicles()).toBe('1');
      again.terminate();
    },
  );

  it('costs nothing: central goes on answering, and holds none of it', async () => {
    await Promise.all(Array.from({ length: 100 }, () => stranger(['rubbish'])));
    expect((await fetch(`${central.listening.http}/readyz`)).status).toBe(200);
    expect(await connectedVehicles()).toBe('0');
  });
});

describe('a peer that says nothing', () => {
  it('is told so after ten seconds, and not waited for', async () => {
    const clock = new SimulatedClock();
    const closed: Ended[] = [];
    let terminated = false;
    const socket: AgentSocket = {
      ...{ remoteAddress: '127.0.0.1', bufferedBytes: 0, onText: () => undefined, onBinary: () => undefined },
      ...{
        onEnd: () => undefined,
        sendText: () => undefined,
        pause: () => undefined,
        resume: () => undefined,
        admitted: () => undefined,
      },
      close: (code, reason) => void closed.push({ code, reason }),
      terminate: () => (terminated = true),
    };
    new AgentSession(socket, {
      ...{ clock, random: systemRandom, log: createLog('central', 'silent') },
      admit: () => Promise.reject(new Error('nobody asked')),
    });
    await clock.advance(9_999);
    expect(closed).toEqual([]);
    await clock.advance(1);
    expect(closed).toEqual([{ code: 4408, reason: 'no hello came' }]);
    await clock.advance(1_000);
    expect(terminated).toBe(true);
  });
});
