import type { Routes } from '@gapless/shared/http';
import { movieHeaders, sendContent } from '@gapless/shared/http';
import { compactUtc, HOUR_MS } from '@gapless/shared/time';
import { z } from 'zod';
import type { ClipPlace } from '../../clip/index.js';
import { extractClip } from '../../clip/index.js';
import type { ControlPort } from '../port.js';
import { selectionFields, selectionOf } from '../selection.js';

const offsetMs = z.coerce.number().int().min(0).max(HOUR_MS);

const clipQuery = selectionFields.extend({
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
  const selection = selectionOf(port, query, 'query');
  if ('range' in selection) return selection;
  return { ...selection, fromMs: query.start ?? 0, toMs: query.end };
}
