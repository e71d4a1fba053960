import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeDisk } from '@gapless/shared/fs';
import { systemRandom } from '@gapless/shared/lifecycle';
import { fingerprintOf, generateSshKey } from '@gapless/shared/ssh';
import { systemClock } from '@gapless/shared/time';
import ssh2 from 'ssh2';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sourceFile } from '../../../../fixtures/media/index.js';
import type { EdgeConfig } from '../config.js';
import { edgeConfigSchema } from '../config.js';
import type { RecorderCommand } from '../record/recorder-input.js';
import { startFfmpeg } from '../record/index.js';
import { tryDisk } from './disk-trial.js';
import type { DoctorPort, Finding } from './index.js';
import { askProgram, examine } from './index.js';
import { lookAtPermissions } from './look-at-permissions.js';
import { lookAtSftp } from './look-at-sftp.js';
import { hostKeyAt } from './ssh-host-key.js';

const FFMPEG = process.env['GAPLESS_FFMPEG'] ?? 'ffmpeg';
const never = new AbortController().signal;

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gapless-doctor-'));
});
afterEach(() => rm(dir, { recursive: true }));

function portOf(settings: object, changes: Partial<DoctorPort> = {}): DoctorPort {
  const config = edgeConfigSchema.parse({
    ...{ vehicle: 'bus-042', stateDir: join(dir, 'state'), ffmpeg: FFMPEG, storage: { minFree: '1MB' } },
    ...settings,
  }) as EdgeConfig;
  return {
    ...{ config, disk: nodeDisk, clock: systemClock, random: systemRandom, ask: askProgram },
    ...{ start: startFfmpeg, isAgentRunning: false, sftp: undefined },
    ...changes,
  };
}

async function findingsOf(port: DoctorPort): Promise<Finding[]> {
  const findings: Finding[] = [];
  await examine(port, (finding) => findings.push(finding), never);
  return findings;
}

describe('examine', () => {
  it('says of each lens what comes and what becomes of it, and keeps every secret to itself', async () => {
    const film = await sourceFile('tiny');
    const commands: RecorderCommand[] = [];
    const port = portOf(
      {
        lenses: {
          front: { input: `file:${film}?loop` },
          rear: { input: 'rtsp://admin:s3cret@127.0.0.1:1/main' },
          saloon: { input: 'v4l2:/dev/no-such-camera' },
        },
      },
      {
        start: (ffmpeg, command, clock) => {
          commands.push(command);
          return startFfmpeg(ffmpeg, command, clock);
        },
      },
    );
    const findings = await findingsOf(port);
    const camera = (lens: string) => findings.find((finding) => finding.lens === lens);
    expect(camera('front')).toMatchObject({
      verdict: 'ok',
      detail: expect.stringMatching(/^H\.264 \d+x\d+, [\d.]+ frames\/s, .*keyframe.*, .*sound/) as string,
    });
    expect(camera('rear')).toMatchObject({ verdict: 'failed', detail: 'the camera refused the connection' });
    expect(camera('saloon')).toMatchObject({ verdict: 'failed' });
    expect(commands).toHaveLength(3);
    expect(JSON.stringify(commands.map(({ args }) => args))).not.toContain('s3cret');
    expect(JSON.stringify(findings)).not.toContain('s3cret');
    for (const { verdict, remedy } of findings) expect(remedy === undefined).toBe(verdict === 'ok');
  });

  it('leaves nothing behind', async () => {
    await findingsOf(portOf({ lenses: { front: { input: 'file:/nowhere.mp4' } } }));
    expect(await readdir(dir)).toEqual([]);
  });

  it('does not open what the running agent alone can read', async () => {
    const port = portOf(
      { lenses: { front: { input: 'v4l2:/dev/video0' } } },
      {
        isAgentRunning: true,
        start: () => {
          throw new Error('opened');
        },
      },
    );
    expect(await findingsOf(port)).toContainEqual(
      expect.objectContaining({ area: 'camera', lens: 'front', verdict: 'ok' }),
    );
  });

  it('says that a vehicle is not enrolled, and that central is not there', async () => {
    const port = portOf({
      lenses: { front: { input: 'file:/nowhere.mp4' } },
      central: { url: 'ws://127.0.0.1:1' },
    });
    const link = (await findingsOf(port)).filter(({ area }) => area === 'link');
    expect(link.map(({ verdict, detail }) => `${verdict}: ${detail}`)).toEqual([
      'failed: nothing listens at 127.0.0.1:1',
      'failed: this vehicle is not enrolled at any central',
    ]);
  });
});

describe('tryDisk', () => {
  it('measures, and removes what it wrote even when the disk refuses', async () => {
    const clock = systemClock;
    const speed = await tryDisk({ disk: nodeDisk, clock, random: systemRandom }, dir);
    expect(speed.writeBytesPerSec).toBeGreaterThan(0);
    expect(speed.worstSyncMs).toBeGreaterThanOrEqual(speed.syncMs);
    const full: typeof nodeDisk = {
      ...nodeDisk,
      create: async (path, mode) => ({
        ...(await nodeDisk.create(path, mode)),
        sync: () => Promise.reject(new Error('no space')),
      }),
    };
    await expect(tryDisk({ disk: full, clock, random: systemRandom }, dir)).rejects.toThrow('no space');
    expect(await readdir(dir)).toEqual([]);
  });
});

describe('lookAtPermissions', () => {
  it('finds keys that others can read', async () => {
    const stateDir = join(dir, 'state');
    await mkdir(join(stateDir, 'keys', 'abc'), { recursive: true, mode: 0o700 });
    const path = join(stateDir, 'keys', 'abc', 'link.pem');
    await writeFile(path, 'secret', { mode: 0o600 });
    const places = { stateDir, storageDir: join(stateDir, 'recordings') };
    expect(await lookAtPermissions(places)).toMatchObject([{ verdict: 'ok' }]);
    await chmod(path, 0o644);
    expect(await lookAtPermissions(places)).toMatchObject([
      { verdict: 'failed', detail: `${path} can be read by other users (mode 644)` },
    ]);
  });
});

describe('the host key of an SSH server', () => {
  const key = generateSshKey(systemRandom, 'host');
  let server: ssh2.Server;
  let port: number;
  let authentications: number;

  beforeEach(async () => {
    authentications = 0;
    server = new ssh2.Server({ hostKeys: [key.privateKey] }, (client) => {
      client.on('authentication', () => authentications++);
      client.on('error', () => undefined);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
  });
  afterEach(() => new Promise((resolve) => server.close(resolve)));

  const look = (isNamed: boolean, pinned: readonly string[] | undefined, at = port) =>
    lookAtSftp({ host: '127.0.0.1', port: at, isNamed, pinned }, systemClock, never);

  it('is seen without anything being authenticated', async () => {
    const shown = await hostKeyAt({ host: '127.0.0.1', port }, systemClock, never);
    expect(shown).toBe(fingerprintOf(key.publicKey));
    expect(authentications).toBe(0);
  });

  it('is held against those that are pinned', async () => {
    const shown = fingerprintOf(key.publicKey);
    expect(await look(true, [shown])).toMatchObject({ verdict: 'ok' });
    expect(await look(true, [`SHA256:${'A'.repeat(43)}`])).toMatchObject({ verdict: 'failed' });
    expect(await look(true, undefined)).toMatchObject({ verdict: 'warning' });
  });

  it('is missed only where somebody said that it is', async () => {
    expect(await look(true, [], 1)).toMatchObject({ verdict: 'failed' });
    expect(await look(false, [], 1)).toMatchObject({ verdict: 'warning' });
  });

  it('is not shown by what speaks something else', async () => {
    const web = createServer((socket) => socket.resume().end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
    const { port: webPort } = web.address() as AddressInfo;
    const seen = hostKeyAt({ host: '127.0.0.1', port: webPort }, systemClock, never);
    await expect(seen).rejects.toMatchObject({ code: 'SFTP_UNREACHABLE' });
    await new Promise((resolve) => web.close(resolve));
  });
});
