import { RangeSet } from '@gapless/shared/interval';
import { formatUtc } from '@gapless/shared/time';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NOW_MS, OVERWRITE_MS, ServedStore } from './support/served-store.js';

interface Run {
  readonly from: string;
  readonly to: string;
  readonly state: string;
  readonly reason?: string;
  readonly source?: string;
}

interface Asked {
  readonly id: string;
  readonly state: string;
  readonly reason?: string;
  readonly missingMs: number;
  readonly createdBy: string;
}

const json = async <T>(response: Response): Promise<T> => (await response.json()) as T;

describe('the API', () => {
  let served: ServedStore;
  beforeAll(async () => {
    served = await ServedStore.start();
  });
  afterAll(() => served[Symbol.asyncDispose]());

  const window = (from: number, to: number): string => `from=${formatUtc(from)}&to=${formatUtc(to)}`;
  const whole = (): string => window(served.segments[0]!.row.startMs, served.segments.at(-1)!.row.endMs);
  const gapWindow = (): string => window(served.gap.startMs, served.gap.endMs);

  describe('vehicles', () => {
    it('are listed with their lenses', async () => {
      const { items } = await json<{ items: { vehicle: string; lenses: { lens: string }[] }[] }>(
        await served.fetch('/api/v1/vehicles'),
      );
      expect(items).toMatchObject([
        {
          vehicle: 'bus-042',
          state: 'enrolled',
          connected: false,
          forecast: { overwriteEta: formatUtc(OVERWRITE_MS), lens: 'front' },
          lenses: [{ lens: 'front', overwriteEta: formatUtc(OVERWRITE_MS) }, { lens: 'rear' }],
        },
      ]);
      expect(await json(await served.fetch('/api/v1/vehicles/bus-042'))).toEqual(items[0]);
      expect(await json(await served.fetch('/api/v1/vehicles/bus-042/lenses'))).toEqual({
        items: items[0]!.lenses,
      });
    });

    it('get claim codes from an administrator', async () => {
      const made = await served.post('/api/v1/vehicles/bus-007/claim', {});
      expect(made.status).toBe(201);
      expect(await json(made)).toMatchObject({
        vehicle: 'bus-007',
        code: expect.stringMatching(/\w{8}/) as string,
      });
    });
  });

  describe('the timeline', () => {
    it('is a partition of exactly the window asked for', async () => {
      const answer = await json<{ from: string; to: string; asOf: string; runs: Run[] }>(
        await served.fetch(served.lens(`timeline?${window(NOW_MS - 4_000_000, NOW_MS)}`)),
      );
      expect(answer.runs[0]!.from).toBe(answer.from);
      expect(answer.runs.at(-1)!.to).toBe(answer.to);
      answer.runs.slice(1).forEach((run, i) => expect(run.from).toBe(answer.runs[i]!.to));
      expect(answer.runs.map(({ state, reason, source }) => [state, reason ?? source])).toEqual([
        ['not-expected', undefined],
        ['verified', 'live'],
        ['missing', undefined],
        ['verified', 'live'],
        ['not-recorded', 'no-signal'],
        ['verified', 'live'],
        ['unknown', undefined],
      ]);
      expect(answer.asOf).toBe(answer.runs.at(-1)!.from);
    });

    it('melts what is too short for a wide view, and says so', async () => {
      const answer = await json<{ runs: Run[]; mergedBelowMs?: number }>(
        await served.fetch(served.lens(`timeline?${whole()}&maxRuns=10`)),
      );
      expect(answer.mergedBelowMs).toBeUndefined();
      expect(answer.runs).toHaveLength(5);
    });

    it('ends now and lasts an hour unless told otherwise', async () => {
      const { from, to } = await json<Run>(await served.fetch(served.lens('timeline')));
      expect([from, to]).toEqual([formatUtc(NOW_MS - 3_600_000), formatUtc(NOW_MS)]);
    });
  });

  describe('gaps', () => {
    it('are what is expected and not verified', async () => {
      const { items } = await json<{ items: (Run & { lens: string; durationMs: number })[] }>(
        await served.fetch(served.lens(`gaps?${whole()}`)),
      );
      expect(items.map(({ state }) => state)).toEqual(['missing', 'not-recorded']);
      expect(items[0]).toEqual({
        lens: 'bus-042/front',
        from: formatUtc(served.gap.startMs),
        to: formatUtc(served.gap.endMs),
        state: 'missing',
        durationMs: served.gap.endMs - served.gap.startMs,
      });
      const missing = await served.fetch(served.lens(`gaps?${whole()}&state=missing`));
      expect(await json(missing)).toEqual({ items: items.slice(0, 1) });
      const fleet = await json<{ items: Run[]; more: boolean }>(
        await served.fetch(`/api/v1/gaps?${whole()}`),
      );
      expect(fleet).toEqual({ items, more: false });
      const first = await served.fetch(`/api/v1/gaps?${whole()}&limit=1`);
      expect(await json(first)).toEqual({ items: items.slice(0, 1), more: true });
    });
  });

  describe('completions', () => {
    const ask = (key?: string, priority = 0): Promise<Response> =>
      served.post(
        '/api/v1/completions',
        {
          lens: 'bus-042/front',
          ranges: [{ from: formatUtc(served.gap.startMs), to: formatUtc(served.gap.endMs) }],
          priority,
        },
        { role: 'operator', ...(key === undefined ? {} : { headers: { 'idempotency-key': key } }) },
      );

    it('are taken, shown, listed, visible in the timeline, and cancelled', async () => {
      const made = await ask();
      expect(made.status).toBe(202);
      const asked = await json<Asked>(made);
      expect(made.headers.get('location')).toBe(`/api/v1/completions/${asked.id}`);
      expect(asked).toMatchObject({
        lens: 'bus-042/front',
        mode: 'manual',
        state: 'waiting',
        reason: 'VEHICLE_OFFLINE',
        missingMs: served.gap.endMs - served.gap.startMs,
        createdBy: 'dispatch',
      });
      const location = made.headers.get('location')!;
      expect(await json(await served.fetch(location, { role: 'viewer' }))).toEqual(asked);
      const { runs } = await json<{ runs: Run[] }>(
        await served.fetch(served.lens(`timeline?${gapWindow()}`)),
      );
      expect(runs).toMatchObject([{ state: 'requested' }]);
      const ended = await json<Asked>(await served.post(`${location}/cancel`, {}, { role: 'operator' }));
      expect(ended).toMatchObject({ id: asked.id, state: 'cancelled', reason: 'CANCELLED_BY_USER' });
      const again = await served.post(`${location}/cancel`, {}, { role: 'operator' });
      expect([again.status, (await json<{ code: string }>(again)).code]).toEqual([409, 'REQUEST_ENDED']);
    });

    it('are begun once for the same key, and a key serves for nothing else', async () => {
      const [first, second] = await Promise.all([ask('once'), ask('once')]);
      const { id } = await json<Asked>(first);
      expect((await json<Asked>(second)).id).toBe(id);
      const other = await ask('once', 5);
      expect([other.status, (await json<{ code: string }>(other)).code]).toEqual([
        409,
        'IDEMPOTENCY_MISMATCH',
      ]);
      const { items } = await json<{ items: Asked[] }>(await served.fetch('/api/v1/completions'));
      expect(items.filter((one) => one.id === id)).toHaveLength(1);
    });

    it('are done at once where nothing is missing', async () => {
      const { startMs, endMs } = served.stored[0]!;
      const made = await served.post('/api/v1/completions', {
        lens: 'bus-042/front',
        ranges: [{ from: startMs.toString(), to: endMs.toString() }],
      });
      expect(await json(made)).toMatchObject({ state: 'done', reason: 'NOTHING_MISSING', missingMs: 0 });
    });

    it('are listed page by page, newest first, none twice and none left out', async () => {
      for (let i = 0; i < 5; i++) await ask(`page ${i}`);
      const { items: all } = await json<{ items: Asked[] }>(await served.fetch('/api/v1/completions'));
      const seen: string[] = [];
      let cursor = '';
      do {
        const page = await json<{ items: Asked[]; nextCursor?: string }>(
          await served.fetch(`/api/v1/completions?limit=2${cursor}`),
        );
        seen.push(...page.items.map(({ id }) => id));
        cursor = page.nextCursor === undefined ? '' : `&cursor=${page.nextCursor}`;
      } while (cursor !== '');
      expect(seen).toEqual(all.map(({ id }) => id));
      expect(seen).toEqual([...seen].sort().reverse());
    });
  });

  describe('who may', () => {
    it.each([
      ['nobody', 'GET', '/api/v1/vehicles', 401],
      ['nobody', 'GET', '/api/v1/gaps', 401],
      ['viewer', 'GET', '/api/v1/vehicles', 200],
      ['viewer', 'POST', '/api/v1/completions', 403],
      ['viewer', 'POST', '/api/v1/vehicles/bus-042/claim', 403],
      ['operator', 'POST', '/api/v1/vehicles/bus-042/claim', 403],
      ['nobody', 'GET', '/healthz', 200],
      ['nobody', 'GET', '/version', 200],
    ] as const)('%s may, or may not, %s %s', async (role, method, path, status) => {
      const answer = await served.fetch(path, { method, role });
      expect(answer.status).toBe(status);
      if (status === 401) expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="gapless"');
    });

    it('a bad token is no token, whoever sends it and however', async () => {
      const good = served.token('viewer');
      for (const authorization of [
        'Bearer',
        `Bearer ${good}x`,
        `Basic ${good}`,
        'Bearer gapless_',
        `bearer  ${good}`,
      ]) {
        const answer = await served.fetch('/api/v1/vehicles', { role: 'nobody', headers: { authorization } });
        expect([authorization, answer.status]).toEqual([authorization, 401]);
      }
    });

    it('a signed link opens its own lens, for reading, until it ends', async () => {
      const made = await served.post(served.lens('links'), { ttlSeconds: 60 }, { role: 'viewer' });
      expect(made.status).toBe(201);
      const { query, expires } = await json<{ query: string; expires: string }>(made);
      expect(expires).toBe(formatUtc(NOW_MS + 60_000));
      const get = async (path: string): Promise<number> =>
        (await served.fetch(path, { role: 'nobody' })).status;
      expect(await get(served.lens(`timeline?${query}`))).toBe(200);
      expect(await get(served.lens(`video.mp4?${whole()}&${query}`))).toBe(200);
      expect(await get(served.lens(`timeline?${query}`, 'rear'))).toBe(401);
      expect(await get(served.lens(`timeline?${query.replace(/expires=\d/, 'expires=9')}`))).toBe(401);
      expect(await get(`/api/v1/vehicles?${query}`)).toBe(401);
      await served.advance(61_000);
      expect(await get(served.lens(`timeline?${query}`))).toBe(401);
    });
  });

  describe('health', () => {
    it('is told to monitors', async () => {
      expect(await json(await served.fetch('/healthz', { role: 'nobody' }))).toEqual({ status: 'ok' });
      expect(await json(await served.fetch('/readyz', { role: 'nobody' }))).toEqual({
        status: 'ready',
        checks: { database: 'ok', sftp: 'ok' },
      });
      expect(await json(await served.fetch('/version', { role: 'nobody' }))).toEqual({
        name: 'gapless-central',
        version: '0.0.0-test',
      });
    });

    it('is counted for Prometheus, in a form that it reads', async () => {
      const answer = await served.fetch('/metrics', { role: 'nobody' });
      expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
      const lines = (await answer.text()).trimEnd().split('\n');
      const sample = /^[a-z_:][a-z0-9_:]*(\{[^}]*\})? [-+0-9.eE]+(Inf|NaN)?$/i;
      for (const line of lines.filter((one) => one !== '' && !one.startsWith('#')))
        expect(line).toMatch(sample);
      for (const name of ['gapless_build_info', 'gapless_segments_verified_total', 'gapless_edge_connected'])
        expect(lines.some((line) => line.startsWith(name))).toBe(true);
    });
  });

  it('measures a timeline by the same instants as the footage', async () => {
    const { runs } = await json<{ runs: Run[] }>(await served.fetch(served.lens(`timeline?${whole()}`)));
    const verified = runs
      .filter(({ state }) => state === 'verified')
      .map(({ from, to }) => ({ startMs: Date.parse(from), endMs: Date.parse(to) }));
    const stored = served.stored.map(({ startMs, endMs }) => ({ startMs, endMs }));
    expect(RangeSet.from(verified).equals(RangeSet.from(stored))).toBe(true);
  });
});
