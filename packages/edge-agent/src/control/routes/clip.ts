import { AppError } from '@gapless/shared/errors';
import type { Routes } from '@gapless/shared/http';
import { invalidField, movieHeaders, sendContent, window, windowOf } from '@gapless/shared/http';
import { parseSegmentId } from '@gapless/shared/ids';
import { compactUtc, HOUR_MS } from '@gapless/shared/time';
import { z } from 'zod';
import type { ClipPlace } from '../../clip/index.js';
import { extractClip } from '../../clip/index.js';
import type { ControlPort } from '../port.js';
import { lens, timeZone } from '../values.js';

const offsetMs = z.coerce.number().int().min(0).max(HOUR_MS);

const clipQuery = window.extend({
  lens: lens.optional(),
  segment: z.string().max(120).optional().describe('In place of "lens": a segment, by its id'),
  start: offsetMs.optional().describe('Milliseconds from the start of the segment'),
  end: offsetMs.optional().describe('Milliseconds from the start of the segment; by default its end'),
  mode: z
    .enum(['exact', 'keyframe'])
    .default('exact')
    .describe('Show exactly the stretch, or widen it to keyframes'),
});

export function clipRoutes(routes: Routes, port: ControlPort): void {
  routes.get(
    '/clip.mp4',
    {
      schema: {
        summary: 'An MP4 of a stretch of a lens or of a segment',
        description: 'Gaps are listed in the Gapless-Gaps header. Ranges of bytes can be asked for.',
        querystring: clipQuery,
      },
    },
    async (request, reply) => {
      const clip = await extractClip(port.clip, placeOf(port, request.query), request.query.mode);
      reply.raw.once('close', () => clip[Symbol.dispose]());
      // The asker may have left while the files were read; then nothing closes any more.
      if (reply.raw.destroyed) clip[Symbol.dispose]();
      void reply
        .headers(movieHeaders(clip))
        .header('content-disposition', `inline; filename="${clip.lens}_${compactUtc(clip.startMs)}.mp4"`);
      return sendContent(request, reply, {
        content: clip.content,
        etag: clip.etag,
        type: `video/mp4; codecs="${clip.codecs.join(', ')}"`,
      });
    },
  );
}

/** Either a lens and a window, or a segment and offsets. */
function placeOf(port: ControlPort, query: z.infer<typeof clipQuery>): ClipPlace {
  const { lens: wanted, segment, start, end, from, to } = query;
  if ((wanted === undefined) === (segment === undefined))
    throw new AppError('ARGUMENT_INVALID', 'a clip is of a lens or of a segment: name one of the two');
  if (wanted !== undefined) {
    if (from === undefined) throw invalidField('query', '/from', 'a clip of a lens needs it');
    return { lens: wanted, range: windowOf({ clock: port.clock, timeZone }, { from, to }, HOUR_MS) };
  }
  return { segment: parseSegmentId(segment), fromMs: start ?? 0, toMs: end };
}
