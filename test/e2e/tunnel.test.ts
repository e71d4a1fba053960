import { readdir, readFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Camera } from '@gapless/harness/camera';
import { CentralClient, eventually } from '@gapless/harness/central-client';
import type { CentralPlace, VehiclePlace } from '@gapless/harness/fleet';
import { configureVehicle, enrol, startCentral, startVehicle, VehicleLink } from '@gapless/harness/fleet';
import { accountFor, hashFrames } from '@gapless/harness/frame-hashes';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const FFMPEG = process.env['GAPLESS_FFMPEG'] ?? 'ffmpeg';
const LENS = 'bus-042/front';

describe.each(['silent', 'reset'] as const)('a vehicle whose link is cut, with a %s end', (mode) => {
  let dir: string;
  let camera: Camera;
  let central: CentralPlace;
  let link: VehicleLink;
  let vehicle: VehiclePlace;
  let client: CentralClient;
  let startedMs: number;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'gapless-tunnel-'));
    central = await startCentral({ dir });
    client = new CentralClient(central.url, central.token);
    link = await VehicleLink.start(central, 1);
    camera = await Camera.start({ ffmpeg: FFMPEG, dir, name: 'front', encoder: ['-bf', '2'] });
    const place = await configureVehicle({
      dir,
      name: 'bus-042',
      ffmpeg: FFMPEG,
      centralUrl: link.centralUrl,
      segmentDuration: '4s',
      lenses: { front: { input: camera.url } },
    });
    await enrol(central, { name: 'bus-042', configPath: place.configPath, centralUrl: link.centralUrl });
    vehicle = await startVehicle(place);
    startedMs = Date.now();
    await client.connected('bus-042');
  });

  afterAll(async () => {
    await vehicle.daemon[Symbol.asyncDispose]();
    await camera[Symbol.asyncDispose]();
    await link[Symbol.asyncDispose]();
    await central.daemon[Symbol.asyncDispose]();
    await rm(dir, { recursive: true });
  });

  /** A gap that was there until `toMs` is filled from the vehicle. */
  async function healed(toMs: number): Promise<void> {
    await eventually('the healing', async () => {
      const runs = await client.timeline(LENS, { from: startedMs, to: toMs });
      const open = runs.filter((run) => !['verified', 'not-expected', 'received'].includes(run.state));
      const completed = runs.some((run) => run.source === 'completed');
      return open.length === 0 && completed ? runs : undefined;
    });
  }

  it('has its live footage verified while it is connected', async () => {
    await eventually('live footage', async () =>
      (await client.timeline(LENS, { from: startedMs })).find((run) => run.source === 'live'),
    );
  });

  it('shows a gap when it is cut in the middle of a live fragment', async () => {
    await link.cutAmid('web', 30_000, mode);
    await eventually('the gap', async () =>
      (await client.gaps(LENS, { from: startedMs })).find(
        (gap) => gap.state === 'unknown' && gap.durationMs > 10_000,
      ),
    );
  });

  it('goes on where it was when it is cut again in the middle of an upload', async () => {
    // More than the handshake, less than one of the segments that are missing.
    const cut = link.cutAmid('sftp', 150_000, mode);
    link.restore();
    await cut;
    const { up } = link.sftp.passed;
    link.restore();
    await healed(Date.now());
    expect(link.sftp.passed.up).toBeGreaterThan(up);
  });

  it('has lost no frame and doubled none, picture and sound', async () => {
    const toMs = Date.now();
    await eventually('everything verified', async () => {
      const runs = await client.timeline(LENS, { from: startedMs, to: toMs });
      return runs.every((run) => ['verified', 'not-expected'].includes(run.state)) ? runs : undefined;
    });
    const response = await client.fetch(
      `/api/v1/lenses/${LENS}/video.mp4?from=${startedMs - 5_000}&to=${toMs}&mode=keyframe`,
    );
    expect(response.status).toBe(200);
    const file = join(dir, 'export.mp4');
    await writeFile(file, Buffer.from(await response.arrayBuffer()));
    const made = await camera.made();
    const found = await hashFrames(FFMPEG, file);
    const picture = accountFor(made, found, 0);
    const sound = accountFor(made, found, 1);
    expect(picture).toMatchObject({ lost: 0, doubled: 0, foreign: 0 });
    expect(sound).toMatchObject({ lost: 0, doubled: 0, foreign: 0 });
    expect(picture.expected).toBeGreaterThan(25 * 15);
  });

  it("has its own bytes kept, as they are on the vehicle's disk", async () => {
    const days = join(central.dataDir, 'media', 'bus-042', 'front');
    let compared = 0;
    for (const day of await readdir(days)) {
      for (const name of await readdir(join(days, day))) {
        const archived = await readFile(join(days, day, name));
        const recorded = await readFile(join(vehicle.recordingsDir, 'front', day, name));
        expect(archived.equals(recorded)).toBe(true);
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(4);
  });
});
