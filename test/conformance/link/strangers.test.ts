import { once } from 'node:events';
import type { Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { AgentSocket } from '../../../packages/central/src/link/index.js';
import { AgentSocketServer } from '../../../packages/central/src/link/index.js';

describe(AgentSocketServer, () => {
  let http: Server;
  let port: number;
  let accepted: AgentSocket[];
  let gone: Promise<void>[];
  let opened: WebSocket[];

  beforeEach(async () => {
    accepted = [];
    gone = [];
    opened = [];
    const sockets = new AgentSocketServer({
      ...{ unauthenticated: 2, unauthenticatedPerAddress: 2, sessions: Number.POSITIVE_INFINITY },
    });
    http = createServer();
    http.on('upgrade', (request, carrier, head) => {
      gone.push(once(carrier, 'close').then(() => undefined));
      sockets.upgrade(request, carrier, { head, accept: (socket) => accepted.push(socket) });
    });
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    port = (http.address() as AddressInfo).port;
  });
  afterEach(async () => {
    for (const socket of opened) socket.terminate();
    http.closeAllConnections();
    http.close();
    await Promise.all(gone);
  });

  /** Resolves with how the upgrade was answered. */
  function open(): Promise<number | undefined> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}`);
    opened.push(socket);
    return new Promise((resolve) => {
      socket.once('open', () => resolve(101));
      socket.once('unexpected-response', (_, response) => resolve(response.statusCode));
      socket.on('error', () => undefined);
    });
  }

  it('turns strangers away that are too many, and lets in others once they have gone', async () => {
    expect(await open()).toBe(101);
    expect(await open()).toBe(101);
    expect(await open()).toBe(503);
    expect(accepted).toHaveLength(2);
    opened[0]!.terminate();
    await gone[0];
    expect(await open()).toBe(101);
  });

  it('does not count vehicles that have proven to be such', async () => {
    expect(await open()).toBe(101);
    expect(await open()).toBe(101);
    for (const socket of accepted) socket.admitted();
    expect(await open()).toBe(101);
  });

  it('forgets whoever asks for a WebSocket and is none', async () => {
    for (let i = 0; i < 4; i++) {
      const socket = connect(port, '127.0.0.1');
      socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
      socket.resume();
      await once(socket, 'close');
      await gone.at(-1);
    }
    expect(await open()).toBe(101);
  });
});
