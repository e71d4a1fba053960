import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import fastify from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import type { Log } from '../log/index.js';
import { answerClientError, answerError, handleErrors } from './errors.js';
import { KnownRoutes } from './known-routes.js';

export interface ServerOptions {
  readonly log: Log;
  /** PEM certificate chain and key; without them the server speaks plain HTTP. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
}

/** Bodies are small JSON; anything larger is a mistake or an attack. */
const MAX_BODY_BYTES = 256 * 1024;

/** An HTTP server without routes: requests are checked by zod schemas, whatever goes wrong is answered with a problem. */
export function createServer({ log, tls }: ServerOptions): FastifyInstance {
  const app = fastify({
    ...(tls ? { https: tls } : {}),
    logger: false,
    bodyLimit: MAX_BODY_BYTES,
    routerOptions: { maxParamLength: 200, ignoreTrailingSlash: true },
    genReqId: () => randomUUID(),
    forceCloseConnections: true,
    frameworkErrors: (thrown, request, reply) => void answerError(log, thrown, request, reply),
    clientErrorHandler: answerClientError,
  }) as unknown as FastifyInstance;
  const routes = new KnownRoutes();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.addHook('onRoute', ({ url, method }) => routes.add(url, method));
  app.addHook('onRequest', async (request, reply) => void reply.header('x-request-id', request.id));
  handleErrors(app, log, routes);
  return app;
}
