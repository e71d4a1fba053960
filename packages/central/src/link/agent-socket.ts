import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { GateLimits } from '@gapless/shared/lifecycle';
import { ConnectionGate } from '@gapless/shared/lifecycle';
import { MAX_BINARY_BYTES, MAX_MESSAGE_BYTES } from '@gapless/shared/protocol';
import type { WebSocket } from 'ws';
import { WebSocketServer } from 'ws';

/** One vehicle's WebSocket, reduced to what the link needs. The only file of central's link that knows `ws`. */
export interface AgentSocket {
  readonly remoteAddress: string;
  onText: (text: string) => void;
  onBinary: (bytes: Uint8Array) => void;
  /** Called once, when the socket is gone. */
  onEnd: () => void;
  sendText(text: string): void;
  /** Bytes handed over that the operating system has not taken. */
  readonly bufferedBytes: number;
  /** Stops or goes on reading from the network. */
  pause(): void;
  resume(): void;
  /** Whoever is behind it has proven to be a vehicle, and counts as a stranger no more. */
  admitted(): void;
  close(code: number, reason: string): void;
  terminate(): void;
}

/**
 * Strangers have ten seconds for their hello. A fleet that returns all at once needs a place for each handshake under
 * way, also from behind one proxy.
 */
const DEFAULT_GATE: GateLimits = {
  unauthenticated: 1024,
  unauthenticatedPerAddress: 512,
  sessions: Number.POSITIVE_INFINITY,
};

/** RFC 6455 section 5.5: a close reason has at most 123 bytes. */
const MAX_REASON_BYTES = 123;

/** The agent takes it for a refusal and comes back with jitter. */
const TURNED_AWAY = 'HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n';

/** Accepts WebSockets that an HTTP server hands over. */
export class AgentSocketServer {
  readonly #server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: Math.max(MAX_MESSAGE_BYTES, MAX_BINARY_BYTES),
  });
  readonly #gate: ConnectionGate;

  constructor(limits = DEFAULT_GATE) {
    this.#gate = new ConnectionGate(limits);
  }

  /** Finishes the upgrade of one request and hands the socket to `accept`; sends strangers away that are too many. */
  upgrade(
    request: IncomingMessage,
    carrier: Duplex,
    rest: { head: Buffer; accept: (socket: AgentSocket) => void },
  ): void {
    const remoteAddress = request.socket.remoteAddress ?? 'unknown';
    const pass = this.#gate.enter(remoteAddress);
    if (typeof pass === 'string') {
      carrier.end(TURNED_AWAY, () => carrier.destroy());
      return;
    }
    carrier.once('close', () => pass.leave());
    this.#server.handleUpgrade(request, carrier, rest.head, (socket) => {
      request.socket.setNoDelay(true);
      rest.accept(wrap(socket, remoteAddress, () => void pass.promote()));
    });
  }
}

function wrap(socket: WebSocket, remoteAddress: string, admitted: () => void): AgentSocket {
  const agent: AgentSocket = {
    remoteAddress,
    onText: () => undefined,
    onBinary: () => undefined,
    onEnd: () => undefined,
    sendText: (text) => {
      socket.send(text);
    },
    get bufferedBytes() {
      return socket.bufferedAmount;
    },
    pause: () => {
      socket.pause();
    },
    resume: () => {
      socket.resume();
    },
    admitted,
    close: (code, reason) => {
      socket.close(code, truncate(reason));
    },
    terminate: () => {
      socket.terminate();
    },
  };
  socket.on('message', (data, isBinary) => {
    const bytes = data as Buffer;
    if (isBinary) agent.onBinary(bytes);
    else agent.onText(bytes.toString('utf8'));
  });
  socket.on('error', () => undefined); // `close` follows
  socket.once('close', () => agent.onEnd());
  return agent;
}

/** Cuts a reason to what a close frame can carry, at a character's boundary. */
function truncate(reason: string): string {
  let cut = reason;
  while (Buffer.byteLength(cut) > MAX_REASON_BYTES) cut = cut.slice(0, -1);
  return cut;
}
