import { AppError } from '@gapless/shared/errors';
import type { Video } from '@gapless/shared/extents';
import { ExtentList } from '@gapless/shared/extents';
import type { Routes } from '@gapless/shared/http';
import { instant, invalidField, movieHeaders, sendContent, window, windowOf } from '@gapless/shared/http';
import { isRunId, MAX_SEQ } from '@gapless/shared/ids';
import { compactUtc, formatUtc, HOUR_MS } from '@gapless/shared/time';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { mediaBytes, playableObjects, playlist, storedVideo } from '../../play/index.js';
import type { Lens } from '../../store/index.js';
import { gapsOf, timelineOf } from '../../timeline/index.js';
import type { ApiPort } from '../port.js';
import { lensOf, lensParams, signature } from '../values.js';

/** Links inside a playlist work this long, so that a player that is paused overnight goes on. */
const LINK_TTL_MS = 24 * HOUR_MS;

/** The longest playlist: all of it is in memory while it is written. */
const MAX_PLAYLIST_MS = 7 * 24 * HOUR_MS;

/** The longest MP4 of one request. */
const MAX_VIDEO_MS = 24 * HOUR_MS;

export function mediaRoutes(routes: Routes, port: ApiPort): void {
  const { store, layout, clock, mediaLinks } = port;

  routes.get(
    '/lenses/:vehicle/:lens/video.mp4',
    {
      config: { access: 'lens', mediaType: 'video/mp4', ranges: true },
      schema: {
        tags: ['media'],
        summary: 'An MP4 of any range, made on the fly',
        description:
          'Exact Content-Length and Range support; nothing is encoded. Gaps are listed in the Gapless-Gaps header, also for HEAD.',
        params: lensParams,
        querystring: window.extend(signature.shape).extend({
          mode: z
            .enum(['exact', 'keyframe'])
            .default('exact')
            .describe('Start exactly at "from", or at the keyframe before it'),
        }),
      },
    },
    async (request, reply) => {
      const lens = lensOf(port, request.params);
      const range = windowOf(port, request.query, 60_000);
      if (range.endMs - range.startMs > MAX_VIDEO_MS)
        throw invalidField('query', '/from', 'one MP4 spans at most 24 hours');
      const video = await storedVideo(
        { store: store.read, layout, hold: (ids) => hold(port, reply, ids) },
        lens.id,
        {
          range,
          mode: request.query.mode,
        },
      );
      if (!video)
        throw new AppError(
          'FOOTAGE_NONE',
          `nothing of ${lens.path} from ${formatUtc(range.startMs)} to ${formatUtc(range.endMs)} is stored here`,
        );
      describeVideo(reply, lens, video);
      return sendContent(request, reply, {
        content: video.content,
        etag: video.etag,
        type: `video/mp4; codecs="${video.movie.codecs.join(', ')}"`,
      });
    },
  );

  routes.get(
    '/lenses/:vehicle/:lens/index.m3u8',
    {
      config: { access: 'lens', mediaType: 'application/vnd.apple.mpegurl' },
      schema: {
        tags: ['media'],
        summary: 'An HLS playlist of any range',
        description:
          'Without "to" the playlist grows; its start is fixed first, by a redirect, since a player that asks again must find what it knows. The links in it are signed and need no token.',
        params: lensParams,
        querystring: window.extend(signature.shape).extend({
          gaps: z
            .enum(['skip', 'mark'])
            .default('skip')
            .describe('Play on behind a gap at once, or keep the playlist as long as the wall clock'),
        }),
      },
    },
    (request, reply) => {
      const lens = lensOf(port, request.params);
      store.flush();
      const range = windowOf(port, request.query, HOUR_MS);
      if (range.endMs - range.startMs > MAX_PLAYLIST_MS)
        throw invalidField('query', '/from', 'one playlist spans at most 7 days');
      const fixed = formatUtc(range.startMs);
      if (request.query.to === undefined && request.query.from !== fixed) {
        const query = new URLSearchParams({ ...(request.query as Record<string, string>), from: fixed });
        return reply.header('cache-control', 'no-store').redirect(`index.m3u8?${query.toString()}`, 302);
      }
      const { expires, signature: signed } = mediaLinks.sign(lens.path, LINK_TTL_MS);
      const segments = playableObjects(store.read, layout, lens.id, range).map((playable) => ({
        run: playable.object.run,
        startMs: playable.object.startMs,
        endMs: playable.object.endMs,
        uri: `segments/${playable.object.run}/${playable.object.seq}.mp4?expires=${expires}&signature=${signed}`,
        headBytes: mediaBytes(playable).from,
        media: mediaBytes(playable),
      }));
      if (segments.length === 0)
        throw new AppError(
          'FOOTAGE_NONE',
          `nothing of ${lens.path} from ${formatUtc(range.startMs)} to ${formatUtc(range.endMs)} is stored here`,
        );
      const gaps = gapsOf(timelineOf(store.read, store.read.lenses.byId(lens.id)!, range, clock.nowMs()));
      const text = playlist(segments, gaps, {
        gaps: request.query.gaps,
        growing: request.query.to === undefined,
      });
      return reply.type('application/vnd.apple.mpegurl').header('cache-control', 'no-store').send(text);
    },
  );

  routes.get(
    '/lenses/:vehicle/:lens/segments/:run/:file',
    {
      config: { access: 'lens', mediaType: 'video/mp4', ranges: true },
      schema: {
        tags: ['media'],
        summary: 'A stored segment, byte for byte as the vehicle recorded it',
        params: lensParams.extend({ run: z.string().max(64), file: z.string().regex(/^\d{1,6}\.mp4$/) }),
        querystring: signature,
      },
    },
    async (request, reply) => {
      const lens = lensOf(port, request.params);
      const { run, file } = request.params;
      const seq = Number.parseInt(file, 10);
      const object = isRunId(run) && seq <= MAX_SEQ ? store.read.objects.byRef(lens.id, run, seq) : undefined;
      if (object?.state !== 'verified')
        throw new AppError('FOOTAGE_NONE', `segment ${run}/${seq} of ${lens.path} is not stored here`);
      hold(port, reply, [object.id]);
      const { sizeBytes, sha256 } = object.expected!;
      const content = new ExtentList([
        { kind: 'file', path: layout.media(object.path!), offset: 0, length: sizeBytes },
      ]);
      void reply.header('cache-control', 'private, max-age=31536000, immutable');
      return sendContent(request, reply, { content, etag: sha256, type: 'video/mp4' });
    },
  );

  routes.post(
    '/lenses/:vehicle/:lens/links',
    {
      config: { access: 'viewer' },
      schema: {
        tags: ['media'],
        summary: 'Make a signed link query, for players that cannot send a token',
        params: lensParams,
        body: z.strictObject({ ttlSeconds: z.int().min(10).max(86_400).default(3_600) }).prefault({}),
        response: { 201: z.object({ query: z.string(), expires: instant }) },
      },
    },
    async (request, reply) => {
      const lens = lensOf(port, request.params);
      const { expires, signature: signed } = mediaLinks.sign(lens.path, request.body.ttlSeconds * 1000);
      return reply
        .code(201)
        .send({ query: `expires=${expires}&signature=${signed}`, expires: formatUtc(expires) });
    },
  );
}

function describeVideo(reply: FastifyReply, lens: Lens, { movie }: Video): void {
  void reply
    .headers(movieHeaders(movie))
    .header(
      'content-disposition',
      `inline; filename="${lens.vehicle}_${lens.name}_${compactUtc(movie.startMs)}.mp4"`,
    )
    .header('cache-control', 'private, no-cache');
}

/** Keeps objects from being given up until the reply has ended, one way or the other. */
function hold(port: ApiPort, reply: FastifyReply, objectIds: readonly number[]): void {
  const held = port.mediaUse.hold(objectIds);
  reply.raw.once('close', () => held[Symbol.dispose]());
}
