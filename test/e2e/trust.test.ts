import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CentralClient, eventually } from '@gapless/harness/central-client';
import { runCommand, scripts } from '@gapless/harness/daemon';
import type { LogLine } from '@gapless/harness/daemon';
import type { CentralPlace, VehiclePlace } from '@gapless/harness/fleet';
import { configureVehicle, enrol, startCentral, startVehicle } from '@gapless/harness/fleet';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const FFMPEG = process.env['GAPLESS_FFMPEG'] ?? 'ffmpeg';
const BUS = 'bus-042';

describe('who may be a vehicle', () => {
  let dir: string;
  let central: CentralPlace;
  let client: CentralClient;
  let place: Omit<VehiclePlace, 'daemon'>;
  let vehicle: VehiclePlace;

  const denied = (line: LogLine): boolean =>
    (line['err'] as { code?: string } | undefined)?.code === 'LINK_DENIED';
  const sentence = (line: LogLine): string => (line['err'] as { message: string }).message;

  async function redeem(code: string, configPath: string, url = central.url) {
    const { code: exitCode, stderr } = await runCommand(scripts.edge, [
      ...['enroll', '--central', url, '--code', code, '--config', configPath],
    ]);
    return { exitCode, stderr };
  }

  async function claim(name: string): Promise<string> {
    const { stdout } = await runCommand(scripts.central, [
      ...['enroll', name, '--data', central.dataDir, '--json'],
    ]);
    return (JSON.parse(stdout) as { code: string }).code;
  }

  const isConnected = async (): Promise<boolean> =>
    (await client.json<{ connected: boolean }>(`/api/v1/vehicles/${BUS}`)).connected;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'gapless-trust-'));
    central = await startCentral({ dir });
    client = new CentralClient(central.url, central.token);
    place = await configureVehicle({
      ...{ dir, name: BUS, ffmpeg: FFMPEG, centralUrl: central.url.replace('http', 'ws') },
      lenses: { front: { input: 'test:320x240@10' } },
    });
  });

  afterAll(async () => {
    await vehicle.daemon[Symbol.asyncDispose]();
    await central.daemon[Symbol.asyncDispose]();
    await rm(dir, { recursive: true });
  });

  it('refuses a code that is not known, is for another vehicle, or was used, and says what to do', async () => {
    const code = await claim(BUS);
    const foreign = await claim('bus-007');
    await claim(BUS); // voids the first
    expect(await redeem(code, place.configPath)).toMatchObject({
      exitCode: 3,
      stderr: expect.stringMatching(/refused: it is not known here[\s\S]*gapless-central enroll/) as string,
    });
    expect(await redeem(foreign, place.configPath)).toMatchObject({
      exitCode: 3,
      stderr: expect.stringMatching(
        /is for bus-007, this box is configured as bus-042[\s\S]*Correct "vehicle"/,
      ) as string,
    });
    const good = await claim(BUS);
    expect(await redeem(good, place.configPath)).toMatchObject({ exitCode: 0 });
    expect(await redeem(good, place.configPath)).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining('it was used already') as string,
    });
  });

  it('leaves one set of keys behind, which nobody else can read', async () => {
    const keys = join(place.stateDir, 'keys');
    const entries = await readdir(keys, { withFileTypes: true, recursive: true });
    const files = entries.filter((entry) => entry.isFile());
    expect(files.map(({ name }) => name).sort()).toEqual([
      'evidence.pem',
      'link.pem',
      'sftp.key',
      'sftp.key.pub',
    ]);
    for (const { parentPath, name } of files)
      expect((await stat(join(parentPath, name))).mode & 0o777).toBe(0o600);
    expect((await stat(keys)).mode & 0o777).toBe(0o700);
  });

  it('does not believe a server that is not the central which made the code', async () => {
    // The impostor knows even the claim: it has a copy of central's database, and keys of its own.
    const code = await claim(BUS);
    const otherDir = join(dir, 'impostor');
    await cp(central.dataDir, join(otherDir, 'central'), {
      recursive: true,
      filter: (source) => !source.endsWith('keys'),
    });
    const impostor = await startCentral({ dir: otherDir });
    try {
      expect(await redeem(code, place.configPath, impostor.url)).toMatchObject({
        exitCode: 3,
        stderr: expect.stringMatching(/is not the central that made this code[\s\S]*do not go on/) as string,
      });
    } finally {
      await impostor.daemon[Symbol.asyncDispose]();
    }
    const nobody = createServer();
    await new Promise<void>((resolve) => nobody.listen(0, '127.0.0.1', resolve));
    const { port } = nobody.address() as AddressInfo;
    await new Promise((resolve) => nobody.close(resolve));
    expect(await redeem(await claim(BUS), place.configPath, `ws://127.0.0.1:${port}`)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/cannot be reached at http:\/\/127\.0\.0\.1:\d+: ECONNREFUSED/) as string,
    });
  });

  it('ends the session of a vehicle that is revoked, and lets it back in once it is enrolled again', async () => {
    vehicle = await startVehicle(place, { script: scripts.scriptedEdge });
    await client.connected(BUS);
    const { code } = await runCommand(scripts.central, ['revoke', BUS, '--data', central.dataDir]);
    expect(code).toBe(0);
    expect(sentence(await vehicle.daemon.logged(denied))).toBe(
      `revoked; to let it back in: gapless-central enroll ${BUS}`,
    );
    expect(await isConnected()).toBe(false);
    // The running agent notices the new enrolment by itself.
    await enrol(central, { name: BUS, configPath: place.configPath, centralUrl: central.url });
    await client.connected(BUS);
  });

  it('answers 404 when a vehicle is revoked that is not there', async () => {
    const { code, stderr } = await runCommand(scripts.central, [
      ...['revoke', 'bus-999', '--data', central.dataDir],
    ]);
    expect({ code, stderr }).toMatchObject({ code: 4, stderr: expect.stringContaining('bus-999') as string });
  });

  it('shuts out both of two boxes that speak as one, until the right one is enrolled again', async () => {
    const copy = join(dir, 'copy');
    // As whoever clones a disk would: what a running agent listens on is not among the files.
    await cp(place.stateDir, copy, { recursive: true, filter: (source) => !source.endsWith('.sock') });
    const text = await readFile(place.configPath, 'utf8');
    const configPath = join(dir, 'copy.yml');
    await writeFile(configPath, text.replaceAll(place.stateDir, copy));
    // The right box goes on: it introduces itself once more, so that the copy's counter is behind.
    await vehicle.daemon.stop();
    vehicle = await startVehicle(place);
    await client.connected(BUS);

    const copied = await startVehicle(
      { ...place, configPath, stateDir: copy },
      { script: scripts.scriptedEdge, env: { GAPLESS_TEST_OTHER_BOX: '1' } },
    );
    try {
      const reason = `copied box: remove the copy, then gapless-central enroll ${BUS}`;
      expect(sentence(await copied.daemon.logged(denied))).toBe(reason);
      expect(sentence(await vehicle.daemon.logged(denied))).toBe(reason);
      expect(await isConnected()).toBe(false);
      await enrol(central, { name: BUS, configPath: place.configPath, centralUrl: central.url });
      await client.connected(BUS);
      // The copy has the keys of the former enrolment, which count no more.
      await copied.daemon.stop();
      const again = await startVehicle(
        { ...place, configPath, stateDir: copy },
        { script: scripts.scriptedEdge, env: { GAPLESS_TEST_OTHER_BOX: '1' } },
      );
      try {
        expect(sentence(await again.daemon.logged(denied))).toContain('not enrolled with this key');
        expect(await isConnected()).toBe(true);
      } finally {
        await again.daemon[Symbol.asyncDispose]();
      }
    } finally {
      await copied.daemon[Symbol.asyncDispose]();
    }
  });

  it('tells a box that was imaged anew that it is not enrolled, and records all the same', async () => {
    await vehicle.daemon.stop();
    await rm(place.stateDir, { recursive: true });
    const blank = await configureVehicle({
      ...{ dir, name: BUS, ffmpeg: FFMPEG, centralUrl: central.url.replace('http', 'ws') },
      lenses: { front: { input: 'test:320x240@10' } },
      segmentDuration: '2s',
    });
    vehicle = await startVehicle(blank);
    await vehicle.daemon.logged(({ msg }) => msg?.startsWith('not enrolled: recording only') === true);
    await eventually('a recording', async () =>
      (await readdir(blank.recordingsDir, { recursive: true })).find((name) => name.endsWith('.mp4')),
    );
  });
});
