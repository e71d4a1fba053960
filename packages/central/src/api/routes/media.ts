import { AppError } from '@gapless/shared/errors';
import type { Video } from '@gapless/shared/extents';
import { ExtentList } from '@gapless/shared/extents';
import type { Routes } from '@gapless/shared/http';
import { instant, invalidField, movieHeaders, sendContent, window, windowOf } from '@gapless/shared/http';
import { isRunId, MAX_SEQ } from '@gapless/shared/ids';
import { Serial } from '@gapless/shared/lifecycle';
import type { EpochMs } from '@gapless/shared/time';
import { compactUtc, formatUtc, HOUR_MS } from '@gapless/shared/time';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import {
  listedSince,
  mediaBytes,
  playableObjects,
  playlist,
  promisedMs,
  storedVideo,
  VideoCache,
} from '../../play/index.js';
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

/** The samples of a day take half a gigabyte while they are laid out: longer movies than this are made one at a time. */
const LONG_VIDEO_MS = HOUR_MS;

export function mediaRoutes(routes: Routes, port: ApiPort): void {
  const { store, layout, clock, mediaLinks } = port;
  const longVideos = new Serial();
  const cache = new VideoCache();

  routes.get(
    '/lenses/:vehicle/:lens/video.mp4',
    {
      config: { access: 'lens', mediaType: 'video/mp4', ranges: true },
      schema: {
        tags: ['media'],
        summary: 'An MP4 of any range, made on the fly',
        description:
          'Exact Content-Length and Range support; nothing is encoded. It spans at most 24 hours; those of more than an hour are laid out one at a time. Gaps are listed in the Gapless-Gaps header, also for HEAD.',
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
      const make = async (): Promise<Video | undefined> => {
        // Whoever did not wait for its turn needs no movie any more.
        if (reply.raw.destroyed) return undefined;
        const held = {
          store: store.read,
          layout,
          cache,
          hold: (ids: readonly number[]) => hold(port, reply, ids),
        };
        return storedVideo(held, lens.id, { range, mode: request.query.mode });
      };
      const isLong = range.endMs - range.startMs > LONG_VIDEO_MS;
      const video = await (isLong ? longVideos.run(make) : make());
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
          'Without "to" the playlist grows at its end, and what it has listed stays as it is: its start, and when it was opened, are fixed first, by a redirect. Footage of a gap that heals meanwhile is listed when it is opened anew. The links in it are signed and need no token.',
        params: lensParams,
        querystring: window.extend(signature.shape).extend({
          opened: instant.optional().describe('Of a growing playlist; the redirect names it'),
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
      const growing = request.query.to === undefined;
      const nowMs = clock.nowMs();
      const openedMs = openedMsOf(request.query.opened, nowMs);
      const fixed = { from: formatUtc(range.startMs), opened: formatUtc(openedMs) };
      if (growing && (request.query.from !== fixed.from || request.query.opened === undefined)) {
        const query = new URLSearchParams({ ...(request.query as Record<string, string>), ...fixed });
        return reply.header('cache-control', 'no-store').redirect(`index.m3u8?${query.toString()}`, 302);
      }
      const listed = listedSince(
        playableObjects(store.read, layout, lens.id, range).map(({ object, ...rest }) => ({
          ...{ object, ...rest, startMs: object.startMs, endMs: object.endMs },
          verifiedMs: object.verifiedMs!,
        })),
        growing ? openedMs : nowMs,
      );
      if (listed.length === 0)
        throw new AppError(
          'FOOTAGE_NONE',
          `nothing of ${lens.path} from ${formatUtc(range.startMs)} to ${formatUtc(range.endMs)} is stored here`,
        );
      const segments = listed.map((playable) => {
        const { object, startMs, endMs, listedMs } = playable;
        // Of a segment that is listed, the address must not change either.
        const { expires, signature: signed } = mediaLinks.sign(lens.path, listedMs + LINK_TTL_MS);
        return {
          ...{ run: object.run, startMs, endMs, headBytes: mediaBytes(playable).from },
          uri: `segments/${object.run}/${object.seq}.mp4?expires=${expires}&signature=${signed}`,
          media: mediaBytes(playable),
        };
      });
      const gaps = gapsOf(timelineOf(store.read, store.read.lenses.byId(lens.id)!, range, nowMs));
      const text = playlist(segments, gaps, {
        gaps: request.query.gaps,
        growing: growing ? { promisedMs: promisedMs(listed) } : undefined,
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
      const { expires, signature: signed } = mediaLinks.sign(
        lens.path,
        clock.nowMs() + request.body.ttlSeconds * 1000,
      );
      return reply
        .code(201)
        .send({ query: `expires=${expires}&signature=${signed}`, expires: formatUtc(expires) });
    },
  );
}

/** When a growing playlist was opened: what is there by then is listed, so it cannot be in the future. */
function openedMsOf(opened: string | undefined, nowMs: EpochMs): EpochMs {
  if (opened === undefined) return nowMs;
  const openedMs = Date.parse(opened);
  if (openedMs > nowMs)
    throw invalidField('query', '/opened', 'a playlist cannot have been opened in the future');
  return openedMs;
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
