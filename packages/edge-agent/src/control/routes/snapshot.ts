import { cancelled } from '@gapless/shared/errors';
import type { Routes } from '@gapless/shared/http';
import { instantOf, timeText } from '@gapless/shared/http';
import { segmentId } from '@gapless/shared/ids';
import { DEFAULT_QUALITY } from '@gapless/shared/still';
import { compactUtc, formatUtc } from '@gapless/shared/time';
import { z } from 'zod';
import { takeSnapshot } from '../../snapshot/index.js';
import type { ControlPort } from '../port.js';
import { lens, timeZone } from '../values.js';

/** Pixels; wider than what any camera makes is a mistake. */
const MAX_WIDTH = 8192;

const snapshotQuery = z.object({
  lens,
  at: timeText.optional().describe('When; by default the newest picture'),
  pick: z
    .enum(['before', 'nearest'])
    .default('before')
    .describe('The keyframe at or before that time, or the one nearest to it'),
  width: z.coerce.number().int().min(1).max(MAX_WIDTH).optional().describe('Pixels; never made wider'),
  quality: z.coerce.number().int().min(1).max(100).default(DEFAULT_QUALITY),
});

export function snapshotRoutes(routes: Routes, port: ControlPort): void {
  routes.get(
    '/snapshot.jpg',
    {
      schema: {
        summary: 'A JPEG of a keyframe of a lens',
        description: 'When it was taken is in the Gapless-At header and in its EXIF data.',
        querystring: snapshotQuery,
      },
    },
    async ({ query }, reply) => {
      const left = new AbortController();
      reply.raw.once('close', () => left.abort(cancelled('nobody waits for the snapshot')));
      const { at, pick, width, quality } = query;
      const atMs = at === undefined ? undefined : instantOf({ clock: port.clock, timeZone }, at, '/at');
      const request = { lens: query.lens, atMs, pick, look: { width, quality } };
      const shot = await takeSnapshot(port.snapshot, request, left.signal);
      return reply
        .type('image/jpeg')
        .header('content-disposition', `inline; filename="${shot.lens}_${compactUtc(shot.atMs)}.jpg"`)
        .header('gapless-at', formatUtc(shot.atMs))
        .header('gapless-segment', segmentId(shot.segment))
        .header('gapless-width', String(shot.width))
        .header('gapless-height', String(shot.height))
        .send(Buffer.from(shot.jpeg.buffer, shot.jpeg.byteOffset, shot.jpeg.byteLength));
    },
  );
}
