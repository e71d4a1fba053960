import type { Routes } from '@gapless/shared/http';
import { instant, window, windowOf } from '@gapless/shared/http';
import { formatUtc, HOUR_MS } from '@gapless/shared/time';
import { z } from 'zod';
import type { Lens } from '../../store/index.js';
import type { TimelineRun } from '../../timeline/index.js';
import { coarsen, gapsOf, timelineOf, timelineStates } from '../../timeline/index.js';
import type { ApiPort } from '../port.js';
import { lensOf, lensParams, showRun, signature, timelineRun } from '../values.js';

const gap = timelineRun
  .extend({ lens: z.string().describe('vehicle/lens'), durationMs: z.int() })
  .meta({ id: 'Gap' });

const gapQuery = window.extend({
  state: z.enum(timelineStates).optional().describe('Only gaps in this state'),
});

const MAX_RUNS = 2_000;

export function timelineRoutes(routes: Routes, port: ApiPort): void {
  const { store, clock } = port;

  routes.get(
    '/lenses/:vehicle/:lens/timeline',
    {
      config: { access: 'lens' },
      schema: {
        tags: ['timeline'],
        summary: 'The states of a lens over a window: a partition, every instant in exactly one state',
        params: lensParams,
        querystring: window.extend(signature.shape).extend({
          maxRuns: z.coerce
            .number()
            .int()
            .min(10)
            .max(10_000)
            .default(MAX_RUNS)
            .describe('Short stretches are merged into their worst neighbour beyond this'),
        }),
        response: {
          200: z.object({
            lens: z.string(),
            from: instant,
            to: instant,
            asOf: instant.optional().describe("The vehicle's last word reaches up to here"),
            mergedBelowMs: z.int().optional().describe('Stretches shorter than this were merged'),
            runs: z.array(timelineRun),
          }),
        },
      },
    },
    (request) => {
      const lens = lensOf(port, request.params);
      store.flush();
      const range = windowOf(port, request.query, HOUR_MS);
      const fresh = store.read.lenses.byId(lens.id)!;
      const { runs, mergedBelowMs } = coarsen(
        timelineOf(store.read, fresh, range, clock.nowMs()),
        request.query.maxRuns,
      );
      return {
        lens: lens.path,
        from: formatUtc(range.startMs),
        to: formatUtc(range.endMs),
        ...(fresh.asOfMs === undefined ? {} : { asOf: formatUtc(fresh.asOfMs) }),
        ...(mergedBelowMs === undefined ? {} : { mergedBelowMs }),
        runs: runs.map(showRun),
      };
    },
  );

  routes.get(
    '/lenses/:vehicle/:lens/gaps',
    {
      config: { access: 'lens' },
      schema: {
        tags: ['timeline'],
        summary: 'What is missing of one lens',
        params: lensParams,
        querystring: gapQuery.extend(signature.shape),
        response: { 200: z.object({ items: z.array(gap) }) },
      },
    },
    (request) => {
      const lens = lensOf(port, request.params);
      store.flush();
      return { items: gapsWithin(store.read.lenses.byId(lens.id)!, request.query) };
    },
  );

  routes.get(
    '/gaps',
    {
      config: { access: 'viewer' },
      schema: {
        tags: ['timeline'],
        summary: 'What is missing in the whole fleet',
        description:
          'Lens by lens, oldest first. Where there are more than "limit", narrow the window or the state.',
        querystring: gapQuery.extend({
          limit: z.coerce.number().int().min(1).max(10_000).default(1_000),
        }),
        response: {
          200: z.object({
            items: z.array(gap),
            more: z.boolean().describe('Whether there are more than these'),
          }),
        },
      },
    },
    (request) => {
      store.flush();
      const { limit } = request.query;
      const items: z.infer<typeof gap>[] = [];
      for (const lens of store.read.lenses.all()) {
        items.push(...gapsWithin(lens, request.query));
        if (items.length > limit) break;
      }
      return { items: items.slice(0, limit), more: items.length > limit };
    },
  );

  function gapsWithin(lens: Lens, query: z.infer<typeof gapQuery>): z.infer<typeof gap>[] {
    const range = windowOf(port, query, 24 * HOUR_MS);
    return gapsOf(timelineOf(store.read, lens, range, clock.nowMs()))
      .filter(({ state }) => query.state === undefined || state === query.state)
      .map((run) => showGap(lens, run));
  }
}

function showGap(lens: Lens, run: TimelineRun): z.infer<typeof gap> {
  return { lens: lens.path, ...showRun(run), durationMs: run.endMs - run.startMs };
}
