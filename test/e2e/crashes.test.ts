import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CentralClient, eventually } from '@gapless/harness/central-client';
import { CRASH_AT } from '@gapless/harness/crash-step';
import type { Daemon } from '@gapless/harness/daemon';
import { runCommand, scripts } from '@gapless/harness/daemon';
import type { CentralPlace, VehiclePlace } from '@gapless/harness/fleet';
import { configureVehicle, enrol, startCentral, startVehicle } from '@gapless/harness/fleet';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const FFMPEG = process.env['GAPLESS_FFMPEG'] ?? 'ffmpeg';
const BUS = 'bus-042';
const LENS = `${BUS}/front`;

/** Steps of `docs/design/durability.md` that central takes while a gap is filled. */
const CENTRAL_STEPS = [
  'transfer:3-ticket',
  'transfer:6-prove',
  'transfer:7-place',
  'transfer:8-pieces',
  'transfer:9-clean-up',
  'merge:1-verify',
  'merge:2-sync-file',
  'merge:3-publish',
  'merge:4-commit',
  'merge:5-committed',
];

/** Steps that the vehicle takes while it records, comes back after a crash, and sends what was missing. */
const VEHICLE_STEPS = [
  'segment-open:1-create',
  'segment-open:2-sync-directory',
  'segment-close:1-seal',
  'segment-close:2-sync-file',
  'segment-close:3-row',
  'segment-close:4-rename',
  'segment-close:5-sync-directories',
  'recover:1-cut-and-seal',
  'recover:2-sync-file',
  'recover:3-row',
  'recover:4-rename',
  'recover:5-sync-directories',
  'transfer:1-fetch',
  'transfer:2-offer',
  'transfer:4-send',
  'transfer:5-uploaded',
];

/** A vehicle that finds central gone again and again comes back ever later, by design. */
const PATIENCE_MS = 60_000;

describe('a crash at any step', () => {
  let dir: string;
  let central: CentralPlace;
  let client: CentralClient;
  let vehicle: VehiclePlace;
  let ports: { http: number; sftp: number };
  let startedMs: number;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'gapless-crashes-'));
    central = await startCentral({ dir });
    client = new CentralClient(central.url, central.token);
    ports = { http: Number(new URL(central.url).port), sftp: central.sftp.port };
    const place = await configureVehicle({
      ...{ dir, name: BUS, ffmpeg: FFMPEG, centralUrl: central.url.replace('http', 'ws') },
      lenses: { front: { input: 'test:320x240@25' } },
      segmentDuration: '2s',
    });
    await enrol(central, { name: BUS, configPath: place.configPath, centralUrl: central.url });
    vehicle = await startVehicle(place);
    startedMs = Date.now();
    await streaming();
  });

  afterAll(async () => {
    await vehicle.daemon[Symbol.asyncDispose]();
    await central.daemon[Symbol.asyncDispose]();
    await rm(dir, { recursive: true });
  });

  /** Starts a daemon that crashes at a step, and waits for that; some steps come before it is up. */
  async function crashesAt(
    step: string,
    start: (env: Record<string, string>) => Promise<Daemon>,
  ): Promise<void> {
    const mark = `crashed at ${step}`;
    let daemon: Daemon;
    try {
      daemon = await start({ [CRASH_AT]: step });
    } catch (thrown) {
      expect(String(thrown)).toContain(mark);
      return;
    }
    try {
      await daemon.logged(({ msg }) => msg === mark, PATIENCE_MS);
      await daemon.exited;
    } finally {
      await daemon[Symbol.asyncDispose]();
    }
  }

  /** Footage of this very moment arrives, so the vehicle has a segment open that a crash tears. */
  async function streaming(): Promise<void> {
    await client.connected(BUS);
    const sinceMs = Date.now() - 1;
    await eventually('live footage', async () =>
      (await client.timeline(LENS, { from: sinceMs })).find(({ state }) => state === 'received'),
    );
  }

  /** Everything that was recorded until `toMs` is proven to be at central. */
  async function healed(toMs: number): Promise<void> {
    const settled = ['verified', 'not-expected', 'not-recorded'];
    await eventually(
      'the healing',
      async () => {
        const runs = await client.timeline(LENS, { from: startedMs, to: toMs });
        return runs.every(({ state }) => settled.includes(state)) ? runs : undefined;
      },
      PATIENCE_MS,
    );
  }

  it('of central loses nothing and doubles nothing', async () => {
    for (const step of CENTRAL_STEPS) {
      await central.daemon.kill();
      await crashesAt(step, async (env) => {
        const place = await startCentral({ ...{ dir, ...ports, env }, script: scripts.scriptedCentral });
        return place.daemon;
      });
    }
    central = await startCentral({ dir, ...ports });
    await client.connected(BUS);
    await healed(Date.now());
    // The vehicle recorded all the time, so nothing is excused.
    const runs = await client.timeline(LENS, { from: startedMs + 3_000, to: Date.now() - 5_000 });
    expect(new Set(runs.map(({ state }) => state))).toEqual(new Set(['verified']));
  });

  it('of the vehicle loses what was not recorded and nothing else', async () => {
    for (const step of VEHICLE_STEPS) {
      if (step === 'recover:1-cut-and-seal') {
        vehicle = await startVehicle(vehicle);
        await streaming();
      }
      await vehicle.daemon.kill();
      await crashesAt(
        step,
        async (env) => (await startVehicle(vehicle, { script: scripts.scriptedEdge, env })).daemon,
      );
    }
    vehicle = await startVehicle(vehicle);
    await client.connected(BUS);
    await healed(Date.now());
  });

  it('leaves two sides that are in order and hold the same bytes', async () => {
    await vehicle.daemon.stop();
    // The last word of a vehicle that stops reaches as far as its footage, so all of that is proven, too.
    await healed(Date.now());
    await central.daemon.stop();
    const checks = [
      await runCommand(scripts.edge, ['check', '--read-data', '--config', vehicle.configPath, '--json']),
      await runCommand(scripts.central, ['check', '--read-data', '--data', central.dataDir, '--json']),
    ];
    for (const { code, stdout, stderr } of checks) {
      expect(JSON.parse(stdout), stderr).toMatchObject({ ok: true, findings: [] });
      expect(code).toBe(0);
    }
    const held = await segmentsBelow(join(vehicle.recordingsDir, 'front'));
    const archived = await segmentsBelow(join(central.dataDir, 'media', BUS, 'front'));
    expect(held.size).toBeGreaterThan(CENTRAL_STEPS.length);
    expect([...archived.keys()].sort()).toEqual([...held.keys()].sort());
    for (const [name, path] of held)
      expect((await readFile(archived.get(name)!)).equals(await readFile(path))).toBe(true);
  });
});

/** Paths of the segment files below a directory, by file name. */
async function segmentsBelow(directory: string): Promise<Map<string, string>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return new Map(
    entries
      .filter((entry) => entry.isFile() && entry.name.endsWith('.mp4'))
      .map(({ parentPath, name }) => [name, join(parentPath, name)]),
  );
}
