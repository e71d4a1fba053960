import { systemRandom } from '@gapless/shared/lifecycle';
import { createLog } from '@gapless/shared/log';
import { LINK_DEAD_MS } from '@gapless/shared/protocol';
import { SimulatedClock } from '@gapless/shared/time';
import { beforeEach, describe, expect, it } from 'vitest';
import { AgentSession } from './agent-session.js';
import type { AgentSocket } from './agent-socket.js';

const HELLO = {
  ...{
    type: 'hello',
    protocol: 1,
    vehicle: 'bus-042',
    key: 'a'.repeat(64),
    counter: 1,
    nonce: 'b'.repeat(64),
  },
  ...{ agentVersion: '1', bootId: '0b8a5e1c-2f7d-4e43-9b1a-5b9a3c1d2e3f' },
  clock: { nowMs: 1, trusted: true, source: 'none' },
  catalogueEpoch: '7f8a5e1c-2f7d-4e43-9b1a-5b9a3c1d2e3f',
  ...{ lenses: [], signature: 'AA==' },
};

/** A socket that notes what becomes of it. */
class NotedSocket implements AgentSocket {
  readonly remoteAddress = '127.0.0.1';
  readonly bufferedBytes = 0;
  onText: (text: string) => void = () => undefined;
  onBinary: (bytes: Uint8Array) => void = () => undefined;
  onEnd: () => void = () => undefined;
  isAdmitted = false;
  isTerminated = false;

  sendText(): void {}
  pause(): void {}
  resume(): void {}
  close(): void {}
  admitted(): void {
    this.isAdmitted = true;
  }
  terminate(): void {
    this.isTerminated = true;
    this.onEnd();
  }
}

describe(AgentSession, () => {
  let clock: SimulatedClock;
  let socket: NotedSocket;
  let session: AgentSession;
  const hear = async (message: object): Promise<void> => {
    socket.onText(JSON.stringify(message));
    await clock.advance(0);
  };

  beforeEach(async () => {
    clock = new SimulatedClock();
    socket = new NotedSocket();
    session = new AgentSession(socket, {
      ...{ clock, random: systemRandom, log: createLog('test', 'silent') },
      admit: () => Promise.resolve({ message: async () => undefined, slice: async () => undefined }),
    });
    await hear(HELLO);
  });

  it('counts as a stranger until its hello is accepted', () => {
    expect(socket.isAdmitted).toBe(true);
    const stranger = new NotedSocket();
    new AgentSession(stranger, {
      ...{ clock, random: systemRandom, log: createLog('test', 'silent') },
      admit: () => Promise.reject(new Error('nobody asked')),
    });
    expect(stranger.isAdmitted).toBe(false);
  });

  it('is given up within ten seconds of silence', async () => {
    expect(LINK_DEAD_MS).toBeLessThan(10_000);
    await clock.advance(LINK_DEAD_MS - 1);
    expect(socket.isTerminated).toBe(false);
    await clock.advance(1);
    expect(socket.isTerminated).toBe(true);
    expect(session.signal.aborted).toBe(true);
  });

  it('lives as long as anything is heard', async () => {
    for (let i = 0; i < 10; i++) {
      await clock.advance(LINK_DEAD_MS - 1);
      await hear({ type: 'receipt-ack', through: i });
    }
    expect(socket.isTerminated).toBe(false);
  });
});
