import { createHash } from 'node:crypto';
import { AppError, toAppError } from '@gapless/shared/errors';
import type { Routes } from '@gapless/shared/http';
import { instant, invalidField, rangeOf } from '@gapless/shared/http';
import { parseLensPath } from '@gapless/shared/ids';
import { RangeSet } from '@gapless/shared/interval';
import { formatUtc } from '@gapless/shared/time';
import { z } from 'zod';
import { callerOf } from '../access.js';
import type { CompletionRequest, Lens } from '../../store/index.js';
import { requestModes, requestReasons, requestStates } from '../../store/index.js';
import type { ApiPort } from '../port.js';
import { lensOf } from '../values.js';

const rangeText = z.object({ from: z.string().max(64), to: z.string().max(64) });

const body = z.strictObject({
  lens: z.string().max(200).describe('vehicle/lens').meta({ example: 'bus-042/front' }),
  ranges: z.array(rangeText).min(1).max(100).describe('Stretches of time to complete'),
  priority: z.int().min(-10).max(10).default(0).describe('Higher goes first'),
});

const completion = z
  .object({
    id: z.string(),
    lens: z.string(),
    mode: z.enum(requestModes),
    state: z.enum(requestStates),
    reason: z.enum(requestReasons).optional().describe('Why it waits or how it ended'),
    ranges: z.array(z.object({ from: instant, to: instant })),
    missingMs: z.int().describe('How much of the ranges is not verified yet'),
    priority: z.int(),
    created: instant,
    createdBy: z.string(),
    expires: instant.optional(),
    finished: instant.optional(),
    sentBytes: z.int(),
    transfers: z.array(
      z.object({
        state: z.string(),
        totalBytes: z.int(),
        ackedBytes: z.int(),
        attempts: z.int(),
        lastError: z.string().optional(),
      }),
    ),
  })
  .meta({ id: 'Completion' });

const idParams = z.object({ id: z.string().max(64) });

export function completionRoutes(routes: Routes, port: ApiPort): void {
  const { store } = port;

  routes.post(
    '/completions',
    {
      config: { access: 'operator' },
      schema: {
        tags: ['completions'],
        summary: 'Ask a vehicle for what is missing',
        description:
          'With an Idempotency-Key header, the same request again gives the same answer and starts nothing.',
        body,
        headers: z.object({ 'idempotency-key': z.string().min(1).max(200).optional() }),
        response: { 202: completion },
      },
    },
    async (request, reply) => {
      const { name } = callerOf(request);
      const { body: asked, headers } = request;
      const key = headers['idempotency-key'];
      const made = await port.completion.request({
        lens: lensIn(port, asked.lens),
        ranges: rangesOf(port, asked.ranges),
        createdBy: name,
        priority: asked.priority,
        // What was typed counts, not the instants that "-45m" stands for when it is sent again.
        idempotency:
          key === undefined
            ? undefined
            : { key: hashOf(name, key), fingerprint: hashOf(JSON.stringify(asked)) },
      });
      return reply.code(202).header('location', `/api/v1/completions/${made.id}`).send(show(port, made));
    },
  );

  routes.get(
    '/completions',
    {
      config: { access: 'viewer' },
      schema: {
        tags: ['completions'],
        summary: 'The newest requests',
        querystring: z.object({
          limit: z.coerce.number().int().min(1).max(500).default(100),
          cursor: z.string().max(64).optional().describe('nextCursor of the page before'),
        }),
        response: { 200: z.object({ items: z.array(completion), nextCursor: z.string().optional() }) },
      },
    },
    (request) => {
      store.flush();
      const { limit, cursor } = request.query;
      const found = store.read.requests.newest(cursor, limit);
      return {
        items: found.map((one) => show(port, one)),
        ...(found.length < limit ? {} : { nextCursor: found.at(-1)!.id }),
      };
    },
  );

  routes.get(
    '/completions/:id',
    {
      config: { access: 'viewer' },
      schema: {
        tags: ['completions'],
        summary: 'One request',
        params: idParams,
        response: { 200: completion },
      },
    },
    (request) => {
      store.flush();
      return show(port, requestOf(port, request.params.id));
    },
  );

  routes.post(
    '/completions/:id/cancel',
    {
      config: { access: 'operator' },
      schema: {
        tags: ['completions'],
        summary: 'End a request; what has come for it stays',
        params: idParams,
        response: { 200: completion },
      },
    },
    async (request) => {
      return show(port, await port.completion.cancel(request.params.id, 'CANCELLED_BY_USER'));
    },
  );
}

/** Keys of different callers do not meet. */
function hashOf(...parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\n')).digest('hex');
}

function lensIn(port: ApiPort, path: string): Lens {
  try {
    return lensOf(port, parseLensPath(path));
  } catch (thrown) {
    const error = toAppError(thrown);
    throw error.code === 'ARGUMENT_INVALID' ? invalidField('body', '/lens', error) : error;
  }
}

function rangesOf(port: ApiPort, texts: readonly z.infer<typeof rangeText>[]): RangeSet {
  return RangeSet.from(
    texts.map(({ from, to }, index) =>
      rangeOf(port, { from, to, in: 'body', pointer: `/ranges/${index}` }, 0),
    ),
  );
}

function requestOf(port: ApiPort, id: string): CompletionRequest {
  const found = port.store.read.requests.byId(id);
  if (found) return found;
  throw new AppError('REQUEST_UNKNOWN', `there is no request ${id}`);
}

function show(port: ApiPort, one: CompletionRequest): z.infer<typeof completion> {
  const { read } = port.store;
  const hull = one.ranges.hull;
  const verified = hull
    ? read.coverage.within(one.lensId, 'live', hull).union(read.coverage.within(one.lensId, 'fetched', hull))
    : RangeSet.empty;
  return {
    id: one.id,
    lens: read.lenses.byId(one.lensId)!.path,
    mode: one.mode,
    state: one.state,
    ...(one.reason === undefined ? {} : { reason: one.reason }),
    ranges: [...one.ranges].map(({ startMs, endMs }) => ({ from: formatUtc(startMs), to: formatUtc(endMs) })),
    missingMs: one.ranges.subtract(verified).totalMs,
    priority: one.priority,
    created: formatUtc(one.createdMs),
    createdBy: one.createdBy,
    ...(one.expiresMs === undefined ? {} : { expires: formatUtc(one.expiresMs) }),
    ...(one.finishedMs === undefined ? {} : { finished: formatUtc(one.finishedMs) }),
    sentBytes: one.sentBytes,
    transfers: read.transfers
      .ofRequest(one.id)
      .map(({ state, totalBytes, ackedBytes, attempts, lastError }) => ({
        state,
        totalBytes,
        ackedBytes,
        attempts,
        ...(lastError === undefined ? {} : { lastError }),
      })),
  };
}
