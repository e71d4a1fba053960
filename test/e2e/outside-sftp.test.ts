import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CentralClient, eventually } from '@gapless/harness/central-client';
import { runCommand, scripts } from '@gapless/harness/daemon';
import type { CentralPlace, VehiclePlace } from '@gapless/harness/fleet';
import { configureVehicle, enrol, startCentral, startVehicle } from '@gapless/harness/fleet';
import { systemRandom } from '@gapless/shared/lifecycle';
import { generateSshKey, fingerprintOf } from '@gapless/shared/ssh';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasSshd, Sshd, sshdUser } from '../support/peers/openssh.js';

const FFMPEG = process.env['GAPLESS_FFMPEG'] ?? 'ffmpeg';
const BUS = 'bus-042';
const LENS = `${BUS}/rear`;

describe.skipIf(!hasSshd)(
  'a lens that is completed by hand, through an OpenSSH server outside central',
  () => {
    let dir: string;
    let sshd: Sshd;
    let central: CentralPlace;
    let client: CentralClient;
    let vehicle: VehiclePlace;
    /** A stretch that the vehicle recorded at the beginning. */
    let stretch: { from: string; to: string };

    async function complete(lens: string, range: { from: string; to: string }) {
      const { code, stdout, stderr } = await runCommand(scripts.central, [
        ...['complete', lens, '--from', range.from, '--to', range.to],
        ...['--wait', '--data', central.dataDir, '--json'],
      ]);
      return {
        code,
        stderr,
        request: stdout === '' ? undefined : (JSON.parse(stdout) as Record<string, unknown>),
      };
    }

    async function configure(minFree: string): Promise<Omit<VehiclePlace, 'daemon'>> {
      const place = await configureVehicle({
        ...{ dir, name: BUS, ffmpeg: FFMPEG, centralUrl: central.url.replace('http', 'ws') },
        lenses: { rear: { input: 'test:320x240@25', live: 'off' } },
        segmentDuration: '2s',
      });
      const text = await readFile(place.configPath, 'utf8');
      await writeFile(place.configPath, text.replace('minFree: 50MB', `minFree: ${minFree}`));
      return place;
    }

    /** Resolves when the vehicle holds footage of the last `seconds`, as far as central knows. */
    async function held(seconds: number): Promise<{ from: string; to: string }> {
      return eventually('footage at the vehicle', async () => {
        const runs = await client.timeline(LENS, { from: Date.now() - 60_000 });
        const run = runs.findLast(({ state }) => state === 'missing');
        if (run === undefined || Date.parse(run.to) - Date.parse(run.from) < seconds * 1_000)
          return undefined;
        return { from: run.from, to: run.to };
      });
    }

    beforeAll(async () => {
      dir = await mkdtemp(join(tmpdir(), 'gapless-outside-'));
      const inbox = join(dir, 'inbox');
      await mkdir(inbox);
      const host = generateSshKey(systemRandom, 'host');
      sshd = await Sshd.start(join(dir, 'sshd'), {
        host,
        client: { authorizedKeysFile: join(dir, 'central', 'sftp-authorized-keys') },
      });
      central = await startCentral({
        dir,
        yaml: [
          'sftp:',
          '  external:',
          `    inboxDir: ${inbox}`,
          `    url: "sftp://${sshdUser}@127.0.0.1:${sshd.port}${inbox}"`,
          `    hostKey: "${fingerprintOf(host.publicKey)}"`,
        ].join('\n'),
      });
      client = new CentralClient(central.url, central.token);
      const place = await configure('50MB');
      await enrol(central, { name: BUS, configPath: place.configPath, centralUrl: central.url });
      vehicle = await startVehicle(place);
      await client.connected(BUS);
      stretch = await held(8);
    });

    afterAll(async () => {
      await vehicle.daemon[Symbol.asyncDispose]();
      await central.daemon[Symbol.asyncDispose]();
      await sshd[Symbol.asyncDispose]();
      await rm(dir, { recursive: true });
    });

    it('sends nothing that nobody asked for', async () => {
      const runs = await client.timeline(LENS, stretch);
      expect(new Set(runs.map(({ state }) => state))).toEqual(new Set(['missing']));
    });

    it('is verified once it was asked for, and holds the very bytes of the vehicle', async () => {
      const wanted = { from: stretch.from, to: new Date(Date.parse(stretch.from) + 3_000).toISOString() };
      expect(await complete(LENS, wanted)).toMatchObject({
        code: 0,
        request: { state: 'done', missingMs: 0 },
      });
      const runs = await client.timeline(LENS, wanted);
      expect(runs).toMatchObject([{ state: 'verified', source: 'completed' }]);
      const archive = join(central.dataDir, 'media', BUS, 'rear');
      const names = (await readdir(archive, { recursive: true })).filter((name) => name.endsWith('.mp4'));
      // Segments of two seconds: three seconds lie in two of them, and none besides is fetched.
      expect(names).toHaveLength(2);
      for (const name of names)
        expect(
          (await readFile(join(archive, name))).equals(
            await readFile(join(vehicle.recordingsDir, 'rear', name)),
          ),
        ).toBe(true);
      expect(await readdir(join(dir, 'inbox', BUS))).toEqual([]);
    });

    it('changes nothing when it is asked for again', async () => {
      const wanted = { from: stretch.from, to: new Date(Date.parse(stretch.from) + 3_000).toISOString() };
      expect(await complete(LENS, wanted)).toMatchObject({ code: 0, request: { state: 'done' } });
    });

    it('says so when there is no such lens or vehicle', async () => {
      expect(await complete(`${BUS}/side`, stretch)).toMatchObject({
        ...{ code: 4, stderr: expect.stringContaining(`there is no lens ${BUS}/side`) as string },
      });
      expect(await complete('bus-999/rear', stretch)).toMatchObject({ code: 4 });
    });

    it('waits for a vehicle that is away, and is filled when that returns', async () => {
      await vehicle.daemon.stop();
      const { code, stdout } = await runCommand(scripts.central, [
        ...[
          'complete',
          LENS,
          '--from',
          stretch.from,
          '--to',
          stretch.to,
          '--data',
          central.dataDir,
          '--json',
        ],
      ]);
      expect(code).toBe(0);
      const { id, state, reason } = JSON.parse(stdout) as { id: string; state: string; reason: string };
      expect({ state, reason }).toEqual({ state: 'waiting', reason: 'VEHICLE_OFFLINE' });
      vehicle = await startVehicle(vehicle);
      await eventually('the end of the request', async () => {
        const request = await client.json<{ state: string }>(`/api/v1/completions/${id}`);
        return request.state === 'done' ? request : undefined;
      });
      const runs = await client.timeline(LENS, stretch);
      expect(new Set(runs.map((run) => run.state))).toEqual(new Set(['verified']));
    });

    it('is lost, with the reason, where the vehicle gave up what nobody had asked for', async () => {
      const doomed = await held(6);
      await vehicle.daemon.stop();
      vehicle = await startVehicle(await configure('900TB'));
      await client.connected(BUS);
      const { code, request } = await complete(LENS, {
        from: doomed.from,
        to: new Date(Date.parse(doomed.from) + 2_000).toISOString(),
      });
      expect({ code, request }).toMatchObject({
        code: 5,
        request: { state: 'failed', reason: 'OVERWRITTEN' },
      });
      const runs = await client.timeline(LENS, doomed);
      expect(runs[0]).toMatchObject({ state: 'lost', reason: 'evicted' });
      // What central has proven stays, whatever the vehicle does.
      const kept = await client.timeline(LENS, stretch);
      expect(new Set(kept.map((run) => run.state))).toEqual(new Set(['verified']));
    });

    it('is closed to a vehicle that was revoked', async () => {
      const keys = join(central.dataDir, 'sftp-authorized-keys');
      expect(await readFile(keys, 'utf8')).toContain(BUS);
      const { code } = await runCommand(scripts.central, ['revoke', BUS, '--data', central.dataDir]);
      expect(code).toBe(0);
      await eventually('the key being gone', async () =>
        (await readFile(keys, 'utf8')) === '' ? true : undefined,
      );
    });
  },
);
