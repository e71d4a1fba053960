import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { createServer } from '@gapless/shared/http';
import { guard } from './access.js';
import { describeOperation, securitySchemes } from './open-api.js';
import type { ApiPort } from './port.js';
import { completionRoutes } from './routes/completions.js';
import { enrolmentRoutes } from './routes/enrolment.js';
import { healthRoutes } from './routes/health.js';
import { mediaRoutes } from './routes/media.js';
import { problemRoutes } from './routes/problems.js';
import { protectionRoutes } from './routes/protections.js';
import { timelineRoutes } from './routes/timeline.js';
import { vehicleRoutes } from './routes/vehicles.js';

export type Api = FastifyInstance;

export interface ApiOptions {
  /** PEM certificate chain and key; without them the server speaks plain HTTP. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
}

/** Builds the HTTP server with all routes; the OpenAPI document follows from the same schemas that check the requests. */
export async function buildApi(port: ApiPort, { tls }: ApiOptions): Promise<Api> {
  const app = createServer({ log: port.log, tls });
  app.decorateRequest('caller', undefined);
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Gapless central',
        version: port.version,
        description:
          'Timelines, gaps, completion and playback of vehicle video. Times are RFC 3339 in UTC, ranges are half-open, problems are RFC 9457.',
      },
      components: { securitySchemes },
      tags: [
        { name: 'vehicles', description: 'Vehicles, their lenses, and how they enrol' },
        { name: 'timeline', description: 'What is here, what is missing, and why' },
        { name: 'completions', description: 'Asking vehicles for what is missing' },
        { name: 'protections', description: 'What vehicles keep from being evicted' },
        { name: 'media', description: 'Playing and downloading' },
        { name: 'health', description: 'For monitors and load balancers' },
      ],
    },
    transform: describeOperation,
    transformObject: jsonSchemaTransformObject,
  });
  await app.register(swaggerUi, { routePrefix: '/docs', staticCSP: true });
  await app.register(async (scope) => {
    guard(scope, port);
    healthRoutes(scope.withTypeProvider<ZodTypeProvider>(), port);
    problemRoutes(scope.withTypeProvider<ZodTypeProvider>());
    enrolmentRoutes(scope.withTypeProvider<ZodTypeProvider>(), port);
  });
  await app.register(
    async (scope) => {
      guard(scope, port);
      const api = scope.withTypeProvider<ZodTypeProvider>();
      vehicleRoutes(api, port);
      timelineRoutes(api, port);
      completionRoutes(api, port);
      mediaRoutes(api, port);
      protectionRoutes(api, port);
    },
    { prefix: '/api/v1' },
  );
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger());
  await app.ready();
  return app;
}
