import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand, scripts } from '@gapless/harness/daemon';
import type { CentralPlace, VehiclePlace } from '@gapless/harness/fleet';
import { configureVehicle, enrol, startCentral, startVehicle } from '@gapless/harness/fleet';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const FFMPEG = process.env['GAPLESS_FFMPEG'] ?? 'ffmpeg';

interface Answer {
  readonly ok: boolean;
  readonly findings: readonly {
    readonly area: string;
    readonly lens?: string;
    readonly verdict: string;
    readonly detail: string;
  }[];
}

describe('gapless-edge doctor', () => {
  let dir: string;
  let central: CentralPlace;
  let vehicle: VehiclePlace;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'gapless-doctor-'));
    central = await startCentral({ dir });
    const centralUrl = central.url.replace('http', 'ws');
    const lenses = { front: { input: 'test:320x240@25' } };
    const place = await configureVehicle({ dir, name: 'bus-042', ffmpeg: FFMPEG, centralUrl, lenses });
    await enrol(central, { name: 'bus-042', configPath: place.configPath, centralUrl });
    vehicle = await startVehicle(place);
    await vehicle.daemon.logged(({ msg }) => msg === 'link open');
  });

  afterAll(async () => {
    await vehicle.daemon[Symbol.asyncDispose]();
    await central.daemon[Symbol.asyncDispose]();
    await rm(dir, { recursive: true });
  });

  it('finds a running vehicle in order, and does not disturb it', async () => {
    const { code, stdout } = await runCommand(scripts.edge, [
      ...['doctor', '--json', '--config', vehicle.configPath],
      ...['--sftp', `${central.sftp.host}:${central.sftp.port}`],
    ]);
    const { ok, findings } = JSON.parse(stdout) as Answer;
    expect(findings.filter(({ verdict }) => verdict === 'failed')).toEqual([]);
    expect({ ok, code }).toEqual({ ok: true, code: 0 });
    const detailOf = (area: string) =>
      findings.filter((finding) => finding.area === area).map((one) => one.detail);
    expect(detailOf('agent')).toEqual(['an agent runs on this stateDir']);
    expect(detailOf('link')[0]).toMatch(/^central answers at /);
    expect(detailOf('link')[1]).toMatch(/^enrolled as bus-042/);
    expect(detailOf('sftp')[0]).toMatch(/shows the pinned host key$/);
    expect(detailOf('camera')[0]).toMatch(/^H\.264 320x240, 25 frames\/s/);
    const disturbed = [...vehicle.daemon.log, ...central.daemon.log].filter(
      (line) => typeof line === 'object' && /link lost|link closed|two boxes/.test(line.msg ?? ''),
    );
    expect(disturbed).toEqual([]);
  });

  it('ends with 1 when something failed, and says what to do', async () => {
    const { code, stdout } = await runCommand(scripts.edge, [
      ...['doctor', '--config', vehicle.configPath, '--sftp', '127.0.0.1:1'],
    ]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^FAILED {3}sftp: 127\.0\.0\.1:1 cannot be reached.*\n {11}Is the port right/m);
  });
});
