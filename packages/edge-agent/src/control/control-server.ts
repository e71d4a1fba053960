import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { createServer } from '@gapless/shared/http';
import type { ControlPort } from './port.js';
import { clipRoutes } from './routes/clip.js';
import { protectionRoutes } from './routes/protections.js';
import { reloadRoutes } from './routes/reload.js';
import { removeRoutes } from './routes/remove.js';
import { segmentRoutes } from './routes/segments.js';
import { snapshotRoutes } from './routes/snapshot.js';
import { statusRoutes } from './routes/status.js';
import { uploadRoutes } from './routes/uploads.js';
import { listenAt, unlisten } from './socket.js';

/**
 * The agent's operations over HTTP on a Unix socket: the door for commands on the box. Who may open the socket may use
 * all of them; that is the user that the agent runs as, and root.
 */
export class ControlServer implements AsyncDisposable {
  readonly #app: FastifyInstance;
  readonly #path: string;

  private constructor(app: FastifyInstance, path: string) {
    this.#app = app;
    this.#path = path;
  }

  /** Begins to listen at `path`; throws CONTROL_PATH_UNUSABLE. */
  static async start(port: ControlPort, path: string): Promise<ControlServer> {
    const app = createServer({ log: port.log });
    await app.register(
      (scope, _options, done) => {
        const routes = scope.withTypeProvider<ZodTypeProvider>();
        segmentRoutes(routes, port);
        clipRoutes(routes, port);
        snapshotRoutes(routes, port);
        protectionRoutes(routes, port);
        removeRoutes(routes, port);
        statusRoutes(routes, port);
        uploadRoutes(routes, port);
        reloadRoutes(routes, port);
        done();
      },
      { prefix: '/v1' },
    );
    await listenAt(app, path);
    return new ControlServer(app, path);
  }

  /** Stops at once: replies that are under way are cut off. */
  [Symbol.asyncDispose](): Promise<void> {
    return unlisten(this.#app, this.#path);
  }
}
