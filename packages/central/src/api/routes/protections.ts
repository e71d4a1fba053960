import { toAppError } from '@gapless/shared/errors';
import type { Routes } from '@gapless/shared/http';
import { instant, invalidField, rangeOf, window, windowOf } from '@gapless/shared/http';
import type { OperationOutput } from '@gapless/shared/protocol';
import { holder, protectInput, shareStates } from '@gapless/shared/protocol';
import type { EpochMs } from '@gapless/shared/time';
import { formatUtc, HOUR_MS, parseTime } from '@gapless/shared/time';
import { z } from 'zod';
import { callerOf } from '../access.js';
import type { ApiPort } from '../port.js';
import { lensOf, lensParams } from '../values.js';

const reply = z
  .object({
    items: z.array(
      z.object({
        from: instant,
        to: instant,
        holder: z.string(),
        reason: z.string(),
        made: instant,
        expires: instant.optional().describe('Absent: it holds until it is taken back'),
      }),
    ),
    more: z.boolean().describe('Whether there are more than these; narrow the window'),
    share: z
      .object({
        protectedBytes: z.int(),
        maxBytes: z.int().describe('Beyond this a new protection is refused'),
        state: z.enum(shareStates).describe('near: from seven tenths on'),
      })
      .describe('Of all lenses of the vehicle'),
  })
  .meta({ id: 'Protections' });

const body = z.object({
  from: z.string().min(1).max(64),
  to: z.string().min(1).max(64).optional().describe('End, exclusive; by default now'),
  reason: protectInput.shape.reason,
  holder: holder.optional().describe('Who protects it; by default the name of the token'),
  expires: z.string().min(1).max(64).optional().describe('When it ends by itself: a time, or +30d'),
});

/** What a vehicle keeps from being evicted. The vehicle itself is asked, so it has to be connected. */
export function protectionRoutes(routes: Routes, port: ApiPort): void {
  const common = { tags: ['protections'], params: lensParams, response: { 200: reply } };

  routes.get(
    '/lenses/:vehicle/:lens/protections',
    {
      config: { access: 'viewer' },
      schema: { ...common, summary: 'What the vehicle protects of a lens', querystring: window },
    },
    async ({ params, query }) => {
      const lens = lensOf(port, params);
      const isBounded = query.from !== undefined || query.to !== undefined;
      const range = isBounded ? { range: windowOf(port, query, HOUR_MS) } : {};
      return shown(await port.ask(lens.vehicle, 'protections', { lens: lens.name, ...range }));
    },
  );

  routes.post(
    '/lenses/:vehicle/:lens/protections',
    {
      config: { access: 'operator' },
      schema: { ...common, summary: 'Keep footage on the vehicle from being evicted', body },
    },
    async (request) => {
      const { from, to, reason, expires, holder: who = nameOf(request) } = request.body;
      const lens = lensOf(port, request.params);
      const expiresMs = expires === undefined ? {} : { expiresMs: instantOf(expires) };
      const range = rangeOf(port, { from, to, in: 'body', pointer: '' }, HOUR_MS);
      const pin = { selection: { lens: lens.name, range }, holder: who, reason, ...expiresMs };
      return shown(await port.ask(lens.vehicle, 'protect', pin));
    },
  );

  routes.delete(
    '/lenses/:vehicle/:lens/protections',
    {
      config: { access: 'operator' },
      schema: {
        ...common,
        summary: 'Take back what a holder protects of a range; what others protect stays',
        querystring: window.extend({
          holder: holder.optional().describe('By default the name of the token'),
        }),
      },
    },
    async (request) => {
      const lens = lensOf(port, request.params);
      const { from, to, holder: who = nameOf(request) } = request.query;
      if (from === undefined) throw invalidField('query', '/from', 'say from when on');
      const selection = { lens: lens.name, range: windowOf(port, { from, to }, HOUR_MS) };
      return shown(await port.ask(lens.vehicle, 'unprotect', { selection, holder: who }));
    },
  );

  function instantOf(text: string): EpochMs {
    try {
      return parseTime(text, { nowMs: port.clock.nowMs(), timeZone: port.timeZone });
    } catch (thrown) {
      throw invalidField('body', '/expires', toAppError(thrown));
    }
  }
}

function nameOf(request: Parameters<typeof callerOf>[0]): string {
  return callerOf(request).name.slice(0, 64);
}

function shown(answer: OperationOutput<'protections'>): z.infer<typeof reply> {
  const { pins, more, protectedBytes, maxBytes, share: state } = answer;
  return {
    items: pins.map(({ startMs, endMs, holder: who, reason, madeMs, expiresMs }) => ({
      ...{ from: formatUtc(startMs), to: formatUtc(endMs), holder: who, reason, made: formatUtc(madeMs) },
      ...(expiresMs === undefined ? {} : { expires: formatUtc(expiresMs) }),
    })),
    more,
    share: { protectedBytes, maxBytes, state },
  };
}
