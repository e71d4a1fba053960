import type { AddressInfo, Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  /** Made while the link was dead. */
  readonly isNew: boolean;
  held: boolean;
}

/**
 * A TCP way to a server that can be cut as links are: at a byte, in silence, or with a reset. What runs through it is not
 * looked at.
 */
export class CuttingProxy implements AsyncDisposable {
  readonly #listener: Server;
  readonly #pairs = new Set<Pair>();
  #target: number;
  /** Bytes towards the server after which each new connection is reset. */
  nextBudgetBytes: () => number = () => Number.POSITIVE_INFINITY;
  /** Whether connections get silent treatment: accepted by the machine, carried nowhere. */
  isDead = false;
  /** Connections that were accepted. */
  connections = 0;
  uplinkBytes = 0;

  private constructor(targetPort: number) {
    this.#target = targetPort;
    this.#listener = createServer({ noDelay: true }, (client) => this.#accept(client));
  }

  static async start(targetPort: number): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(targetPort);
    await new Promise<void>((resolve) => proxy.#listener.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#listener.address() as AddressInfo).port;
  }

  retarget(port: number): void {
    this.#target = port;
  }

  /** From now on nothing gets through in either direction, and nobody is told; new connections hang as well. */
  goSilent(): void {
    this.isDead = true;
    for (const pair of this.#pairs) hold(pair);
  }

  /** The link is back. New connections work again, those from before stay silent: their address is gone. */
  comeBackForNew(): void {
    this.isDead = false;
  }

  /** Those from before carry on where they stopped; new ones still hang. */
  comeBackForOld(): void {
    for (const pair of this.#pairs) if (!pair.isNew) release(pair);
  }

  /** Resets every connection. */
  reset(): void {
    for (const { client, server } of this.#pairs) {
      client.resetAndDestroy();
      server.destroy();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { client, server } of this.#pairs) {
      client.destroy();
      server.destroy();
    }
    await new Promise<void>((resolve) => this.#listener.close(() => resolve()));
  }

  #accept(client: Socket): void {
    this.connections++;
    let budget = this.nextBudgetBytes();
    const server = connect({ host: '127.0.0.1', port: this.#target, noDelay: true });
    const pair: Pair = { client, server, isNew: this.isDead, held: false };
    this.#pairs.add(pair);
    if (this.isDead) hold(pair);
    client.on('error', () => server.destroy());
    server.on('error', () => client.destroy());
    client.on('close', () => {
      this.#pairs.delete(pair);
      server.destroy();
    });
    server.on('close', () => client.destroy());
    client.on('data', (data) => {
      const passed = data.subarray(0, budget);
      budget -= passed.length;
      this.uplinkBytes += passed.length;
      if (!server.write(passed)) {
        client.pause();
        server.once('drain', () => pair.held || client.resume());
      }
      if (budget > 0) return;
      // What was passed on still arrives; then both ends see the connection break.
      server.end();
      client.resetAndDestroy();
    });
    server.on('data', (data) => {
      if (client.write(data)) return;
      server.pause();
      client.once('drain', () => pair.held || server.resume());
    });
  }
}

function hold(pair: Pair): void {
  pair.held = true;
  pair.client.pause();
  pair.server.pause();
}

function release(pair: Pair): void {
  pair.held = false;
  pair.client.resume();
  pair.server.resume();
}
