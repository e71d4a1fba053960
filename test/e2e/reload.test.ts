import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CentralClient, eventually } from '@gapless/harness/central-client';
import { runCommand, scripts } from '@gapless/harness/daemon';
import type { CentralPlace, VehiclePlace } from '@gapless/harness/fleet';
import { configureVehicle, enrol, startCentral, startVehicle } from '@gapless/harness/fleet';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const FFMPEG = process.env['GAPLESS_FFMPEG'] ?? 'ffmpeg';
const BUS = 'bus-042';

interface Status {
  readonly lenses: readonly {
    readonly lens: string;
    readonly state: string;
    readonly live: string;
    readonly open?: { readonly id: string };
  }[];
  readonly disk: { readonly maxBytes?: number };
}

describe('another configuration, while the agent records', () => {
  let dir: string;
  let central: CentralPlace;
  let client: CentralClient;
  let vehicle: VehiclePlace;

  const command = (...words: readonly string[]) =>
    runCommand(scripts.edge, [...words, '--config', vehicle.configPath]);
  const status = async (): Promise<Status> =>
    JSON.parse((await command('status', '--json')).stdout) as Status;
  const change = async (from: string | RegExp, to: string): Promise<void> => {
    const text = await readFile(vehicle.configPath, 'utf8');
    expect(text).toMatch(from);
    await writeFile(vehicle.configPath, text.replace(from, to));
  };
  /** The run of each lens that is recorded. */
  const runs = async (): Promise<Record<string, string>> =>
    Object.fromEntries((await status()).lenses.map(({ lens, open }) => [lens, open?.id.split('/')[1] ?? '']));
  const recording = (...lenses: readonly string[]): Promise<Record<string, string>> =>
    eventually(`${lenses.join(' and ')} to be recorded`, async () => {
      const now = await runs();
      return Object.keys(now).sort().join() === [...lenses].sort().join() && !Object.values(now).includes('')
        ? now
        : undefined;
    });

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'gapless-reload-'));
    central = await startCentral({ dir });
    client = new CentralClient(central.url, central.token);
    const centralUrl = central.url.replace('http', 'ws');
    const place = await configureVehicle({
      ...{ dir, name: BUS, ffmpeg: FFMPEG, centralUrl },
      lenses: { front: { input: 'test:320x240@10' }, rear: { input: 'test:320x240@10' } },
    });
    await enrol(central, { name: BUS, configPath: place.configPath, centralUrl });
    vehicle = await startVehicle(place);
  });
  afterAll(async () => {
    await vehicle.daemon[Symbol.asyncDispose]();
    await central.daemon[Symbol.asyncDispose]();
    await rm(dir, { recursive: true });
  });

  it('restarts what is recorded in another way, begins what is new, and leaves the rest alone', async () => {
    const before = await recording('front', 'rear');
    await change('rear: { input: { url: "test:320x240@10"', 'rear: { input: { url: "test:160x120@10"');
    await change('lenses:\n', 'lenses:\n  door: { input: "test:320x240@10", live: off }\n');
    await change('minFree: 50MB', 'minFree: 50MB, maxSize: 1GB');
    const { code, stdout } = await command('reload', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      changed: expect.arrayContaining([
        'lenses.door',
        'lenses.rear.input.url',
        'storage.maxSize',
      ]) as string[],
      ...{ needsRestart: [], started: ['door'], ended: [], restarted: ['rear'] },
    });
    const after = await recording('front', 'rear', 'door');
    expect(after['front']).toBe(before['front']);
    expect(after['rear']).not.toBe(before['rear']);
    expect((await status()).disk.maxBytes).toBe(1e9);
    const again = await command('reload');
    expect(again).toMatchObject({ code: 0, stdout: 'Nothing has changed.\n' });
    expect((await runs())['rear']).toBe(after['rear']);
  });

  it('tells central at once', async () => {
    await change('live: off', 'live: push');
    await command('reload');
    await eventually('central to know the new lens', async () => {
      const { items } = await client.json<{ items: { lens: string; live: string }[] }>(
        `/api/v1/vehicles/${BUS}/lenses`,
      );
      return items.find(({ lens, live }) => lens === 'door' && live === 'push');
    });
  });

  it('is refused with the sentences of the start when it is wrong, and the old one stays in force', async () => {
    const before = await recording('front', 'rear', 'door');
    const good = await readFile(vehicle.configPath, 'utf8');
    await change('maxSize: 1GB', 'maxSize: plenty');
    const checked = await command('config', 'check');
    const reloaded = await command('reload');
    expect([checked.code, reloaded.code]).toEqual([2, 2]);
    expect(reloaded.stderr).toBe(checked.stderr);
    process.kill(vehicle.daemon.pid, 'SIGHUP');
    const { err } = await vehicle.daemon.logged(
      ({ msg }) => msg?.startsWith('configuration refused') ?? false,
    );
    expect(err).toMatchObject({ code: 'CONFIG_INVALID' });
    // Commands read it, too.
    await writeFile(vehicle.configPath, good);
    expect(await runs()).toEqual(before);
    expect((await status()).disk.maxBytes).toBe(1e9);
  });

  it('says what waits for the next start', async () => {
    const before = await recording('front', 'rear', 'door');
    await change('vehicle: bus-042', 'vehicle: bus-043');
    const { code, stderr } = await command('reload');
    expect(code).toBe(5);
    expect(stderr).toBe('warning: this needs a restart: vehicle\nhint: systemctl restart gapless-edge\n');
    expect(await runs()).toEqual(before);
    await change('vehicle: bus-043', 'vehicle: bus-042');
  });

  it('ends a lens that is gone, at SIGHUP too, and records it again when it comes back', async () => {
    const before = await recording('front', 'rear', 'door');
    await change(/ {2}door:.*\n/, '');
    process.kill(vehicle.daemon.pid, 'SIGHUP');
    await vehicle.daemon.logged(
      ({ msg, ended }) => msg === 'configuration reloaded' && String(ended) === 'door',
    );
    expect(await runs()).toEqual({ front: before['front'], rear: before['rear'] });
    await eventually('central to know that it is off', async () => {
      const { items } = await client.json<{ items: { lens: string; state: string }[] }>(
        `/api/v1/vehicles/${BUS}/lenses`,
      );
      return items.find(({ lens, state }) => lens === 'door' && state === 'stopped');
    });
    await change('lenses:\n', 'lenses:\n  door: { input: "test:320x240@10" }\n');
    await command('reload');
    const after = await recording('front', 'rear', 'door');
    expect(after['front']).toBe(before['front']);
    expect(after['door']).not.toBe(before['door']);
    const { stdout } = await command('segments', '--json', '--lens', 'door', '--from=-5m');
    const { gaps } = JSON.parse(stdout) as { gaps: { reason: string }[] };
    expect(gaps.map(({ reason }) => reason)).toContain('off');
    expect((await command('check')).code).toBe(0);
  });
});
