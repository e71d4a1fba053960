import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { ListenAddress } from '@gapless/shared/config';
import { listenText } from '@gapless/shared/config';
import { AppError, errnoOf } from '@gapless/shared/errors';
import { createServer } from '@gapless/shared/http';
import type { Log } from '@gapless/shared/log';
import { EdgeMetrics } from './metrics.js';
import type { AgentFacts } from './status.js';

export interface MetricsPort {
  readonly version: string;
  readonly log: Log;
  readonly status: () => Promise<AgentFacts>;
}

/** Metrics for Prometheus over HTTP, on an address of the box. Nothing else is answered there. */
export class MetricsServer implements AsyncDisposable {
  readonly #app: FastifyInstance;

  private constructor(app: FastifyInstance) {
    this.#app = app;
  }

  /** @throws ADDRESS_IN_USE for any address that cannot be listened on */
  static async start(port: MetricsPort, address: ListenAddress): Promise<MetricsServer> {
    const metrics = new EdgeMetrics(port.version);
    const app = createServer({ log: port.log });
    app.get('/metrics', async (_request, reply) =>
      reply.type(metrics.contentType).send(await metrics.text(await port.status())),
    );
    try {
      await app.listen({ ...address });
    } catch (thrown) {
      const why = errnoOf(thrown) ?? String(thrown);
      throw new AppError('ADDRESS_IN_USE', `cannot serve metrics on ${listenText(address)}: ${why}`, {
        cause: thrown,
        hint: 'Choose another address for "metrics.listen", or stop the other program.',
      });
    }
    return new MetricsServer(app);
  }

  get url(): string {
    const { address: host, port } = this.#app.server.address() as AddressInfo;
    return `http://${listenText({ host, port })}/metrics`;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#app.close();
  }
}
