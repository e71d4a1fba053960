import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseLensName, parseRunId } from '@gapless/shared/ids';
import { systemRandom } from '@gapless/shared/lifecycle';
import { createLog } from '@gapless/shared/log';
import type { LiveSlice, PieceDescriptor } from '@gapless/shared/protocol';
import { systemClock } from '@gapless/shared/time';
import { SlowLink } from '@gapless/harness/slow-link';
import { afterEach, describe, expect, it } from 'vitest';
import { AgentSession, AgentSocketServer } from '../../../packages/central/src/link/index.js';
import { dialLink, LinkSession } from '../../../packages/edge-agent/src/link/index.js';
import { LiveLane } from '../../../packages/edge-agent/src/live/index.js';

const front = parseLensName('front');
const run = parseRunId('20260822T165728123Z-3fa9c1');
const FRAGMENT_BYTES = 500_000;
const media = new Uint8Array(FRAGMENT_BYTES).fill(7);

function fragment(number: number): PieceDescriptor {
  const startMs = 1_787_417_848_123 + number * 1000;
  return {
    lens: front,
    run,
    seq: 0,
    part: 'fragment',
    number,
    offset: 1_000,
    sizeBytes: FRAGMENT_BYTES,
    startMs,
    endMs: startMs + 1000,
  };
}

/** Both ends of the link over real sockets; what central does with a slice is the test's. */
async function linkUp(
  take: (slice: LiveSlice, session: AgentSession) => Promise<void>,
  slow?: { rateBytesPerSec: number; delayMs: number },
) {
  const sockets = new AgentSocketServer();
  let central: AgentSession | undefined;
  const server = createServer();
  server.on('upgrade', (request, carrier, head) =>
    sockets.upgrade(request, carrier, {
      head,
      accept: (socket) => {
        central = new AgentSession(socket, {
          clock: systemClock,
          random: systemRandom,
          log: createLog('central', 'silent'),
          admit: async (session) => ({
            message: async (message) => {
              if (message.type === 'status')
                session.send({ type: 'status-ack', sentAt: message.sentAt, nowMs: 1 });
            },
            slice: (slice) => take(slice, session),
          }),
        });
      },
    }),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const target = { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
  const link = slow && (await SlowLink.start(target, slow));
  const socket = await dialLink({
    url: `ws://127.0.0.1:${link?.port ?? target.port}/agent/v1`,
    ca: undefined,
    timeoutMs: 5_000,
    signal: new AbortController().signal,
  });
  const session = new LinkSession(socket, systemClock);
  await session.next();
  session.send(hello);
  session.begin({} as never);
  return {
    session,
    central: () => central!,
    close: async () => {
      session.terminate();
      await link?.[Symbol.asyncDispose]();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const hello = {
  type: 'hello',
  protocol: 1,
  vehicle: 'bus-042',
  key: 'a'.repeat(64),
  counter: 1,
  nonce: 'b'.repeat(64),
  agentVersion: '1',
  bootId: '0b8a5e1c-2f7d-4e43-9b1a-5b9a3c1d2e3f',
  clock: { nowMs: 1, trusted: true, source: 'none' },
  catalogueEpoch: '7f8a5e1c-2f7d-4e43-9b1a-5b9a3c1d2e3f',
  lenses: [],
  signature: 'AAAA',
};

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the live lane over real sockets', () => {
  let up: Awaited<ReturnType<typeof linkUp>>;
  afterEach(() => up.close());

  it('keeps memory bounded on both sides when central does not get on', async () => {
    let taken = 0;
    // A disk that never answers: the first slice is never finished with.
    up = await linkUp(() => {
      taken++;
      return new Promise(() => undefined);
    });
    const lane = new LiveLane(systemClock);
    lane.attach(up.session);
    const before = process.memoryUsage().rss;
    for (let number = 0; number < 2_000; number++) {
      lane.offer(fragment(number), media); // a gigabyte in all
      if (number % 50 === 0) await tick();
    }
    expect(lane.heldBytes).toBeLessThanOrEqual(2 * FRAGMENT_BYTES);
    expect(up.session.bufferedBytes).toBeLessThanOrEqual(300_000);
    expect(lane.counters.sentBytes).toBeLessThanOrEqual(300_000);
    expect(taken).toBeLessThanOrEqual(1);
    expect(process.memoryUsage().rss - before).toBeLessThan(50_000_000);
  });

  it('lets control messages through at once while the link is full of video', async () => {
    let received = 0;
    up = await linkUp(
      async (slice, session) => {
        received += slice.bytes.length;
        session.send({ type: 'live-ack', bytes: received });
      },
      { rateBytesPerSec: 250_000, delayMs: 40 },
    );
    const lane = new LiveLane(systemClock);
    lane.attach(up.session);
    const waits: number[] = [];
    up.session.onMessage = (message) => {
      if (message.type === 'live-ack') lane.acknowledge(message.bytes);
      if (message.type === 'status-ack') waits.push(performance.now() - message.sentAt);
    };
    let number = 0;
    const camera = setInterval(() => lane.offer(fragment(number++), media), 250); // 2 MB/s into 250 kB/s
    const heart = setInterval(
      () =>
        up.session.send({
          type: 'status',
          changeSeq: 0,
          sentAt: performance.now(),
          lenses: [],
          storage: { usedBytes: 0, freeBytes: 0 },
        }),
      100,
    );
    await new Promise((resolve) => setTimeout(resolve, 8_000));
    clearInterval(camera);
    clearInterval(heart);
    waits.sort((a, b) => a - b);
    const settled = waits.slice(0, Math.floor(waits.length * 0.95));
    expect(received).toBeGreaterThan(250_000 * 8 * 0.6);
    expect(lane.counters.droppedPieces).toBeGreaterThan(10);
    // The round trip is 80 ms; a queue of everything that was offered would be a minute long.
    expect(settled.at(-1)).toBeLessThan(1_500);
  });
});
