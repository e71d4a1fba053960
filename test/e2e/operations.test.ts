import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CentralClient, eventually } from '@gapless/harness/central-client';
import { runCommand, scripts } from '@gapless/harness/daemon';
import type { CentralPlace, VehiclePlace } from '@gapless/harness/fleet';
import { configureVehicle, enrol, startCentral, startVehicle } from '@gapless/harness/fleet';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const FFMPEG = process.env['GAPLESS_FFMPEG'] ?? 'ffmpeg';
const BUS = 'bus-042';
const PATH = `/api/v1/lenses/${BUS}/front/protections`;

interface Pin {
  readonly holder: string;
  readonly reason: string;
  readonly expires?: string;
}

interface Protections {
  readonly items: readonly Pin[];
  readonly share: { readonly protectedBytes: number; readonly maxBytes: number; readonly state: string };
}

describe('what central asks of a vehicle', () => {
  let dir: string;
  let central: CentralPlace;
  let client: CentralClient;
  let vehicle: VehiclePlace;

  const onTheBox = async (...words: readonly string[]) => {
    const { stdout } = await runCommand(scripts.edge, [...words, '--json', '--config', vehicle.configPath]);
    return JSON.parse(stdout) as { protections: Pin[]; segments: { state: string; protectedBy: string[] }[] };
  };
  const send = (method: string, path: string, body?: object): Promise<Response> =>
    fetch(central.url + path, {
      method,
      headers: {
        authorization: `Bearer ${central.token}`,
        ...(body ? { 'content-type': 'application/json' } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
  const told = async (answer: Promise<Response>): Promise<Protections> => {
    const reply = await answer;
    expect(reply.status).toBe(200);
    return (await reply.json()) as Protections;
  };

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'gapless-operations-'));
    central = await startCentral({ dir });
    client = new CentralClient(central.url, central.token);
    const centralUrl = central.url.replace('http', 'ws');
    const place = await configureVehicle({
      ...{ dir, name: BUS, ffmpeg: FFMPEG, centralUrl, segmentDuration: '2s' },
      lenses: { front: { input: 'test:320x240@10' } },
    });
    await enrol(central, { name: BUS, configPath: place.configPath, centralUrl });
    vehicle = await startVehicle(place);
    await eventually('a segment to be verified at central', async () => {
      const timeline = await send('GET', `/api/v1/lenses/${BUS}/front/timeline?from=-5m`);
      if (timeline.status === 404) return undefined;
      const { runs } = (await timeline.json()) as { runs: { state: string }[] };
      return runs.find(({ state }) => state === 'verified');
    });
  });
  afterAll(async () => {
    await vehicle.daemon[Symbol.asyncDispose]();
    await central.daemon[Symbol.asyncDispose]();
    await rm(dir, { recursive: true });
  });

  it('is done by the same operations that the box offers', async () => {
    const made = await told(
      send('POST', PATH, { from: '-5m', holder: 'police', reason: 'accident', expires: '+30d' }),
    );
    expect(made.items).toMatchObject([{ holder: 'police', reason: 'accident' }]);
    expect(made.items[0]!.expires).toBeDefined();
    expect(made.share).toMatchObject({ state: 'ample' });
    expect(made.share.protectedBytes).toBeGreaterThan(0);
    const { protections } = await onTheBox('protections', '--lens', 'front');
    expect(protections).toMatchObject([{ holder: 'police', reason: 'accident' }]);
    const { segments } = await onTheBox('segments', '--lens', 'front', '--from=-5m');
    expect(segments.find(({ state }) => state === 'closed')!.protectedBy).toEqual(['police']);
    await told(send('POST', PATH, { from: '-5m', reason: 'claim' }));
    const { items } = await told(send('GET', PATH));
    expect(items.map(({ holder }) => holder).sort()).toEqual(['first administrator', 'police']);
    const left = await told(send('DELETE', `${PATH}?from=-1h&holder=police`));
    expect(left.items.map(({ holder }) => holder)).toEqual(['first administrator']);
    expect((await told(send('DELETE', `${PATH}?from=-1h`))).items).toEqual([]);
    expect((await onTheBox('protections')).protections).toEqual([]);
  });

  it.each<[string, () => Promise<Response>, number, string]>([
    [
      'the vehicle refuses',
      () => send('POST', PATH, { from: '-5m', reason: 'x', expires: '-1m' }),
      400,
      'ARGUMENT_INVALID',
    ],
    ['no end of the range', () => send('DELETE', PATH), 400, 'ARGUMENT_INVALID'],
    ['no reason', () => send('POST', PATH, { from: '-5m' }), 400, 'ARGUMENT_INVALID'],
    ['another lens', () => send('GET', PATH.replace('front', 'roof')), 404, 'LENS_UNKNOWN'],
  ])('says why it is not done: %s', async (_, answer, status, code) => {
    const reply = await answer();
    expect([reply.status, ((await reply.json()) as { code: string }).code]).toEqual([status, code]);
  });

  it('says that a vehicle is not there', async () => {
    await vehicle.daemon.stop();
    await eventually('central to notice', async () => {
      const { connected } = await client.json<{ connected: boolean }>(`/api/v1/vehicles/${BUS}`);
      return connected ? undefined : true;
    });
    const reply = await send('GET', PATH);
    expect([reply.status, ((await reply.json()) as { code: string }).code]).toEqual([503, 'VEHICLE_OFFLINE']);
  });
});
