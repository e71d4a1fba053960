import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@gapless/harness/camera';
import { owned } from '@gapless/harness/children';
import { Daemon, runCommand, scripts } from '@gapless/harness/daemon';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { made } from '../../fixtures/media/index.js';
import { hasRtspServer, RtspServer } from '../support/peers/rtsp-server.js';

const FFMPEG = process.env['GAPLESS_FFMPEG'] ?? 'ffmpeg';
const SECONDS = 8;
const FRAMES = SECONDS * 25;
const LOGIN = { user: 'admin', password: 'pass-w0rd-of-the-camera' };

const PICTURE = ['-f', 'lavfi', '-i', `testsrc2=size=320x180:rate=25:duration=${SECONDS}`];
const H264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '25'];
const H265 = ['-c:v', 'libx265', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-x265-params'];
const GOP_OF_25 = 'keyint=25:min-keyint=25:bframes=2:log-level=error:pools=1';
const AAC = ['-c:a', 'aac', '-b:a', '64k'];

interface Case {
  readonly lens: string;
  readonly what: string;
  /** The truth: a file whose every picture must be recorded. */
  readonly truth: string;
  readonly url: string;
  /** Codecs as the recordings must have them. */
  readonly codecs: readonly [video: string, audio?: string];
}

/** What cameras send, each through the real thing that sends it: every lens of one vehicle. */
describe.skipIf(!(await hasRtspServer()))('the agent records', () => {
  const cases: Case[] = [];
  let dir: string;
  let agent: Daemon;
  let rtsp: RtspServer;
  let http: Server;

  async function addFile(
    one: Omit<Case, 'truth' | 'url'> & { args: string[]; extension?: string },
  ): Promise<void> {
    const truth = await made(one.args, one.extension);
    cases.push({ ...one, truth, url: `file:${truth}` });
  }

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'gapless-inputs-'));
    await addFile({
      ...{ lens: 'h264-b', what: 'H.264 with B-frames and AAC', codecs: ['h264', 'aac'] },
      args: [...PICTURE, ...tone(48_000), ...H264, '-bf', '3', ...AAC],
    });
    await addFile({
      ...{ lens: 'h265-b', what: 'H.265 with B-frames and AAC', codecs: ['hevc', 'aac'] },
      args: [...PICTURE, ...tone(44_100), ...H265, GOP_OF_25, ...AAC],
    });
    await addFile({
      ...{ lens: 'silent', what: 'a camera without sound', codecs: ['h264'] },
      args: [...PICTURE, ...H264, '-bf', '0'],
    });
    await addFile({
      ...{ lens: 'pcm', what: 'raw PCM sound, as AAC', codecs: ['h264', 'aac'] },
      ...{ args: [...PICTURE, ...tone(16_000), ...H264, '-c:a', 'pcm_s16le'], extension: 'mov' },
    });

    const alaw = await made([...PICTURE, ...tone(8_000), ...H264, '-bf', '0', '-c:a', 'pcm_alaw'], 'mov');
    rtsp = await RtspServer.start(alaw, LOGIN);
    const login = `${LOGIN.user}:${LOGIN.password}@`;
    cases.push({
      ...{ lens: 'rtsp', what: 'RTSP over TCP with a digest login, and G.711 sound, as AAC', truth: alaw },
      ...{ url: `rtsp://${login}127.0.0.1:${rtsp.port}/main`, codecs: ['h264', 'aac'] },
    });

    const stream = await made([...PICTURE, ...tone(48_000), ...H264, '-bf', '2', ...AAC], 'ts');
    http = createServer((request, response) => {
      const expected = `Basic ${Buffer.from(`${LOGIN.user}:${LOGIN.password}`).toString('base64')}`;
      if (request.headers.authorization === expected) createReadStream(stream).pipe(response);
      else response.writeHead(401, { 'www-authenticate': 'Basic realm="camera"' }).end();
    });
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    const { port } = http.address() as AddressInfo;
    cases.push({
      ...{ lens: 'http', what: 'an MPEG transport stream over HTTP with a login', truth: stream },
      ...{ url: `http://${login}127.0.0.1:${port}/live.ts`, codecs: ['h264', 'aac'] },
    });

    const srtPort = await freePort();
    owned(
      spawn(FFMPEG, [
        ...['-loglevel', 'error', '-nostdin', '-re', '-i', stream, '-c', 'copy', '-f', 'mpegts'],
        `srt://127.0.0.1:${srtPort}?mode=listener&passphrase=${LOGIN.password}&pbkeylen=16`,
      ]),
    );
    cases.push({
      ...{ lens: 'srt', what: 'SRT with a passphrase', truth: stream, codecs: ['h264', 'aac'] as const },
      url: `srt://127.0.0.1:${srtPort}?mode=caller&passphrase=${LOGIN.password}&pbkeylen=16`,
    });

    const config = join(dir, 'edge.yml');
    await writeFile(
      config,
      [
        'vehicle: bus-042',
        `stateDir: ${dir}/state`,
        `ffmpeg: ${FFMPEG}`,
        'storage: { minFree: 50MB }',
        'recording: { segmentDuration: 2s }',
        'lenses:',
        ...cases.map(({ lens, url }) => `  ${lens}: { input: "${url}" }`),
      ].join('\n'),
    );
    const started = await Daemon.start({
      ...{ script: scripts.edge, args: ['run', '--config', config], until: 'recording' },
    });
    agent = started.daemon;
    const commandLines = processesOf(agent.pid);
    for (const { lens } of cases)
      await agent.logged((line) => line['lens'] === lens && line.msg === 'run ended', 60_000);
    expect((await commandLines).join('\n')).not.toContain(LOGIN.password);
    await agent.stop();
    const { code, stdout } = await runCommand(scripts.edge, [
      'check',
      '--read-data',
      '--config',
      config,
      '--json',
    ]);
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, findings: [] });
    expect(code).toBe(0);
  });

  afterAll(async () => {
    await agent[Symbol.asyncDispose]();
    await rtsp[Symbol.asyncDispose]();
    await new Promise((resolve) => http.close(resolve));
    await rm(dir, { recursive: true });
  });

  it.each(['h264-b', 'h265-b', 'silent', 'pcm', 'rtsp', 'http', 'srt'])(
    '%s, picture for picture',
    async (lens) => {
      const { truth, codecs, what } = cases.find((one) => one.lens === lens)!;
      const recorded = join(dir, `${lens}.mp4`);
      await writeFile(recorded, await firstRun(join(dir, 'state', 'recordings', lens)));
      const sent = await pictures(truth);
      // Whoever sends by SRT leaves without waiting for the last packets, so its last picture is whatever arrived of it.
      const found = (await pictures(recorded)).slice(0, lens === 'srt' ? -1 : undefined);
      expect(sent).toHaveLength(FRAMES);
      // It may have sent the first ones before the agent was there.
      const from = sent.indexOf(found[0]!);
      expect(found.length, what).toBeGreaterThan(lens === 'srt' ? FRAMES / 2 : FRAMES - 26);
      expect(found, what).toEqual(sent.slice(from, from + found.length));
      expect(await codecsOf(recorded), what).toEqual(codecs);
    },
  );

  it('without a word of the cameras’ passwords', () => {
    expect(agent.log.map((line) => JSON.stringify(line)).join('\n')).not.toContain(LOGIN.password);
  });
});

function tone(sampleRate: number): string[] {
  return ['-f', 'lavfi', '-i', `sine=frequency=440:sample_rate=${sampleRate}:duration=${SECONDS}`];
}

/** The files of the oldest run of a lens, one after another: a fragmented MP4 as the camera's encoder would have made it. */
async function firstRun(directory: string): Promise<Buffer> {
  const paths = (await readdir(directory, { recursive: true, withFileTypes: true }))
    .filter(({ name }) => name.endsWith('.mp4'))
    .map(({ parentPath, name }) => ({ path: join(parentPath, name), name }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const run = paths[0]!.name.split('_')[1]!;
  const files = paths.filter(({ name }) => name.split('_')[1] === run);
  return Buffer.concat(await Promise.all(files.map(({ path }) => readFile(path))));
}

/** MD5 of each decoded picture, in the order in which they are shown. */
async function pictures(file: string): Promise<string[]> {
  const all = file.endsWith('.ts') ? [] : ['-ignore_editlist', '1'];
  const text = await output(FFMPEG, [
    ...['-loglevel', 'error', ...all, '-i', file],
    ...['-map', '0:v', '-fps_mode', 'passthrough', '-f', 'framemd5', '-'],
  ]);
  return text
    .split('\n')
    .filter((line) => /^\d/.test(line))
    .map((line) => line.split(',').at(-1)!.trim());
}

async function codecsOf(file: string): Promise<string[]> {
  const text = await output(FFMPEG.replace(/ffmpeg$/, 'ffprobe'), [
    ...['-loglevel', 'error', '-show_entries', 'stream=codec_name', '-of', 'csv=p=0', file],
  ]);
  return text.trim().split('\n');
}

function output(program: string, args: readonly string[]): Promise<string> {
  const child = owned(spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] }));
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => (code === 0 ? resolve(text) : reject(new Error(`${program}: ${code}`))));
  });
}

/** Command lines of a process's children, as anybody on the machine can read them. */
async function processesOf(parent: number): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    if (status.split(') ').at(-1)?.split(' ')[1] !== String(parent)) continue;
    found.push(await readFile(`/proc/${pid}/cmdline`, 'utf8'));
  }
  return found;
}
