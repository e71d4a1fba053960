import type { Routes } from '@gapless/shared/http';
import { instant, window, windowOf } from '@gapless/shared/http';
import { HOUR_MS } from '@gapless/shared/time';
import { z } from 'zod';
import type { HeldSegment } from '../../query/index.js';
import { DEFAULT_PAGE, getSegments, MAX_PAGE } from '../../query/index.js';
import type { ControlPort } from '../port.js';
import { lens, shownRange, timeZone } from '../values.js';

const range = z.object({ from: instant, to: instant });

const segment = range.extend({
  id: z.string(),
  bytes: z.int(),
  codecs: z.array(z.string()).describe('RFC 6381 names, video first'),
  protectedBy: z.array(z.string()).describe('The holders of the pins that overlap it'),
  state: z.enum(['open', 'closed']).describe('One that is open still grows'),
  sha256: z.string().optional().describe('Of the whole file; of closed ones'),
  receipted: z.boolean().optional().describe('Whether central has proven that it holds it; of closed ones'),
});

export const segmentsReply = z.object({
  lens: z.string(),
  answered: range.optional().describe('What this page speaks of; the pages tile the window'),
  segments: z.array(segment),
  coverage: z.array(range).describe('What is held, measured from the samples'),
  gaps: z.array(range.extend({ reason: z.string() })),
  next: z.string().optional().describe('The cursor of the next page'),
});

export type SegmentsReply = z.infer<typeof segmentsReply>;

export function segmentRoutes(routes: Routes, port: ControlPort): void {
  routes.get(
    '/segments',
    {
      schema: {
        summary: 'What the vehicle holds of a lens, and why it does not hold the rest',
        querystring: window.extend({
          lens,
          limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(DEFAULT_PAGE),
          cursor: z.string().max(64).optional(),
        }),
        response: { 200: segmentsReply },
      },
    },
    ({ query }): SegmentsReply => {
      const answer = getSegments(port.segments, {
        lens: query.lens,
        range: windowOf({ clock: port.clock, timeZone }, query, HOUR_MS),
        limit: query.limit,
        cursor: query.cursor,
      });
      return {
        lens: answer.lens,
        ...(answer.answered ? { answered: shownRange(answer.answered) } : {}),
        segments: answer.segments.map(shownSegment),
        coverage: [...answer.coverage].map(shownRange),
        gaps: answer.gaps.map(({ reason, ...gap }) => ({ ...shownRange(gap), reason })),
        ...(answer.next === undefined ? {} : { next: answer.next }),
      };
    },
  );
}

function shownSegment(held: HeldSegment): z.infer<typeof segment> {
  const { id, sizeBytes, codecs, protectedBy, state } = held;
  const whole = held.state === 'closed' ? { sha256: held.sha256, receipted: held.receipted } : {};
  const common = { id, ...shownRange(held), bytes: sizeBytes, codecs: [...codecs] };
  return { ...common, protectedBy: [...protectedBy], state, ...whole };
}
