import type { Routes } from '@gapless/shared/http';
import { z } from 'zod';
import type { ApiPort } from '../port.js';

/** What load balancers, monitors and people ask first; open to everybody. */
export function healthRoutes(routes: Routes, port: ApiPort): void {
  routes.get(
    '/healthz',
    {
      config: { access: 'open' },
      schema: {
        tags: ['health'],
        summary: 'Whether the process is alive',
        response: { 200: z.object({ status: z.literal('ok') }) },
      },
    },
    () => ({ status: 'ok' as const }),
  );

  const readiness = z.object({
    status: z.enum(['ready', 'not-ready']),
    checks: z.record(z.string(), z.string()),
  });
  routes.get(
    '/readyz',
    {
      config: { access: 'open' },
      schema: {
        tags: ['health'],
        summary: 'Whether it can do its work',
        response: { 200: readiness, 503: readiness },
      },
    },
    async (_request, reply) => {
      const checks = port.readiness();
      const ready = Object.values(checks).every((wrong) => wrong === undefined);
      const shown = Object.fromEntries(Object.entries(checks).map(([name, wrong]) => [name, wrong ?? 'ok']));
      return reply
        .code(ready ? 200 : 503)
        .send({ status: ready ? ('ready' as const) : ('not-ready' as const), checks: shown });
    },
  );

  routes.get(
    '/version',
    {
      config: { access: 'open' },
      schema: {
        tags: ['health'],
        summary: 'Which version this is',
        response: { 200: z.object({ name: z.string(), version: z.string() }) },
      },
    },
    () => ({ name: 'gapless-central', version: port.version }),
  );

  routes.get(
    '/metrics',
    {
      config: { access: 'open', mediaType: 'text/plain' },
      schema: { tags: ['health'], summary: 'Prometheus metrics' },
    },
    async (_request, reply) => {
      const { contentType, text } = await port.metrics();
      return reply.type(contentType).send(text);
    },
  );
}
