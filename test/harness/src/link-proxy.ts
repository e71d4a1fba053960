import type { Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';

/** How a link is cut: silently, as in a tunnel, or with a reset, as when a modem drops its connections. */
export type CutMode = 'silent' | 'reset';

export interface Address {
  readonly host: string;
  readonly port: number;
}

interface Pair {
  readonly near: Socket;
  /** Undefined until the link is up. */
  far: Socket | undefined;
}

/**
 * The link between a vehicle and central, on one machine: passes TCP through until it is cut. While it is cut silently
 * nothing is passed and nothing is closed, as in a tunnel; when it returns, what was under way goes on.
 */
export class LinkProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #target: Address;
  readonly #pairs = new Set<Pair>();
  #cut = false;
  #armed: { readonly atBytes: number; readonly cut: () => void } | undefined;
  /** Bytes passed from the vehicle to central, and back. */
  readonly passed = { up: 0, down: 0 };

  private constructor(server: Server, target: Address) {
    this.#server = server;
    this.#target = target;
    server.on('connection', (near) => this.#accept(near));
  }

  /** @param listen where the vehicle finds the other end; by default any free port of this machine */
  static async start(target: Address, listen: Address = { host: '127.0.0.1', port: 0 }): Promise<LinkProxy> {
    const server = createServer({ noDelay: true, pauseOnConnect: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(listen, resolve);
    });
    return new LinkProxy(server, target);
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address ? address.port : 0;
  }

  get isCut(): boolean {
    return this.#cut;
  }

  cut(mode: CutMode = 'silent'): void {
    this.#cut = true;
    for (const { near, far } of [...this.#pairs]) {
      if (mode === 'reset') {
        near.resetAndDestroy();
        far?.resetAndDestroy();
      } else {
        near.pause();
        far?.pause();
      }
    }
  }

  /**
   * Lets exactly so many more bytes pass from the vehicle, and calls `cut` in the middle of what follows.
   *
   * @param cut must cut this proxy, and may cut others with it
   */
  cutAfter(upBytes: number, cut: () => void): void {
    this.#armed = { atBytes: this.passed.up + upBytes, cut };
  }

  restore(): void {
    this.#cut = false;
    for (const pair of [...this.#pairs]) {
      if (!pair.far) this.#join(pair);
      pair.near.resume();
      pair.far?.resume();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { near, far } of [...this.#pairs]) {
      near.destroy();
      far?.destroy();
    }
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(near: Socket): void {
    const pair: Pair = { near, far: undefined };
    this.#pairs.add(pair);
    near.on('error', () => undefined);
    near.once('close', () => {
      this.#pairs.delete(pair);
      pair.far?.destroy();
    });
    if (!this.#cut) this.#join(pair);
  }

  #join(pair: Pair): void {
    const { near } = pair;
    const far = connect({ ...this.#target, noDelay: true });
    pair.far = far;
    far.on('error', () => undefined);
    far.once('close', () => near.destroy());
    this.#pass(near, far, 'up');
    this.#pass(far, near, 'down');
    near.resume();
  }

  #pass(from: Socket, to: Socket, direction: 'up' | 'down'): void {
    from.on('data', (whole: Buffer) => {
      const chunk = direction === 'up' ? this.#upToTheCut(from, whole) : whole;
      this.passed[direction] += chunk.length;
      if (to.write(chunk)) return;
      from.pause();
      to.once('drain', () => {
        if (!this.#cut) from.resume();
      });
    });
    from.once('end', () => to.end());
  }

  /** What of a chunk still gets through; the rest waits in its socket, where a silent cut leaves it. */
  #upToTheCut(from: Socket, chunk: Buffer): Buffer {
    const left = (this.#armed?.atBytes ?? Number.POSITIVE_INFINITY) - this.passed.up;
    if (chunk.length <= left) return chunk;
    const { cut } = this.#armed!;
    this.#armed = undefined;
    from.pause();
    from.unshift(chunk.subarray(left));
    // The bytes before the cut are to be on their way when it comes.
    setImmediate(cut);
    return chunk.subarray(0, left);
  }
}
