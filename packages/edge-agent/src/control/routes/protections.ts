import { toAppError } from '@gapless/shared/errors';
import type { Routes } from '@gapless/shared/http';
import { instant, invalidField, windowOf } from '@gapless/shared/http';
import { holder, protectInput, shareStates } from '@gapless/shared/protocol';
import type { EpochMs } from '@gapless/shared/time';
import { formatUtc, HOUR_MS, parseTime } from '@gapless/shared/time';
import { z } from 'zod';
import type { Protected } from '../../protect/index.js';
import type { ControlPort } from '../port.js';
import { selectionFields, selectionOf } from '../selection.js';
import { lens, shownRange, timeZone } from '../values.js';

const pin = z.object({
  lens: z.string(),
  from: instant,
  to: instant,
  holder: z.string(),
  reason: z.string(),
  made: instant,
  expires: instant.optional().describe('Absent: it holds until it is taken back'),
});

export const protectionsReply = z.object({
  protections: z.array(pin).describe('The pins in force, by lens, start and holder'),
  share: z.object({
    protectedBytes: z.int().describe('Of all segments that any pin overlaps'),
    maxBytes: z.int().describe('Beyond this a new pin is refused'),
    state: z.enum(shareStates).describe('near: from seven tenths on'),
  }),
});

export type ProtectionsReply = z.infer<typeof protectionsReply>;

const protectBody = selectionFields.extend({
  holder,
  reason: protectInput.shape.reason,
  expires: z.string().min(1).max(64).optional().describe('When it ends by itself: a time, or +30d'),
});

export function protectionRoutes(routes: Routes, port: ControlPort): void {
  const { protections, clock } = port;

  routes.get(
    '/protections',
    {
      schema: {
        summary: 'Which footage is protected, and by whom',
        querystring: selectionFields.omit({ segment: true }).extend({ lens: lens.optional() }),
        response: { 200: protectionsReply },
      },
    },
    async ({ query }) => {
      const { lens: wanted, from, to } = query;
      const isBounded = from !== undefined || to !== undefined;
      const range = isBounded ? windowOf({ clock, timeZone }, { from, to }, HOUR_MS) : undefined;
      return shown(
        await protections.list({
          ...(wanted === undefined ? {} : { lens: wanted }),
          ...(range === undefined ? {} : { range }),
        }),
      );
    },
  );

  routes.post(
    '/protections',
    {
      schema: {
        summary: 'Protect footage against eviction',
        body: protectBody,
        response: { 200: protectionsReply },
      },
    },
    async ({ body }) => {
      const { holder: who, reason, expires } = body;
      const expiresMs = expires === undefined ? undefined : instantOf(expires);
      const selection = selectionOf(port, body, 'body');
      return shown(
        await protections.protect({
          ...{ selection, holder: who, reason },
          ...(expiresMs === undefined ? {} : { expiresMs }),
        }),
      );
    },
  );

  routes.delete(
    '/protections',
    {
      schema: {
        summary: 'Take back what a holder protects of a range; what others protect stays',
        querystring: selectionFields.extend({ holder }),
        response: { 200: protectionsReply },
      },
    },
    async ({ query }) => {
      const selection = selectionOf(port, query, 'query');
      return shown(await protections.unprotect({ selection, holder: query.holder }));
    },
  );

  function instantOf(text: string): EpochMs {
    try {
      return parseTime(text, { nowMs: clock.nowMs(), timeZone });
    } catch (thrown) {
      throw invalidField('body', '/expires', toAppError(thrown));
    }
  }
}

function shown({ pins, protectedBytes, maxBytes, share }: Protected): ProtectionsReply {
  return {
    protections: pins.map(({ lens: name, holder: who, reason, madeMs, expiresMs, ...range }) => ({
      ...{ lens: name, ...shownRange(range), holder: who, reason, made: formatUtc(madeMs) },
      ...(expiresMs === undefined ? {} : { expires: formatUtc(expiresMs) }),
    })),
    share: { protectedBytes, maxBytes, state: share },
  };
}
