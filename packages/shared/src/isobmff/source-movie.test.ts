import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { made, packetsOf } from '../../../../fixtures/media/index.js';
import { AppError } from '../errors/index.js';
import { memorySource } from './byte-source.js';
import type { SourceTrack } from './source-movie.js';
import { readSourceMovie } from './source-movie.js';

const exec = promisify(execFile);
const PICTURE = ['-f', 'lavfi', '-i', 'testsrc2=size=160x90:rate=25'];
const TONE = ['-f', 'lavfi', '-i', 'sine=440:sample_rate=48000'];
const H264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '25', '-bf', '2'];
const H265 = ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'keyint=25:log-level=error:pools=1'];
const AAC = ['-c:a', 'aac'];
const film = (...more: string[]): string[] => [...PICTURE, ...TONE, '-t', '4', ...H264, ...AAC, ...more];

/** Presentation times in seconds, and sizes, in decode order. */
function samplesOf({ track, table }: SourceTrack): [number, number][] {
  return Array.from({ length: table.count }, (_, i) => [
    (table.decodeTicks[i]! + table.compositionTicks[i]!) / track.timescale,
    table.sizeBytes[i]!,
  ]);
}

async function expectAsFfprobe(path: string, kind: 'v' | 'a'): Promise<void> {
  const { video, sound, damage } = await readSourceMovie(memorySource(await readFile(path)));
  const own = samplesOf((kind === 'v' ? video : sound)!);
  const packets = await packetsOf(path, kind);
  expect(damage).toBeUndefined();
  expect(own.map(([, size]) => size)).toEqual(packets.map(({ sizeBytes }) => sizeBytes));
  // ffprobe gives microseconds.
  own.forEach(([at], i) => expect(Math.abs(at - packets[i]!.pts)).toBeLessThan(0.0001));
}

describe('readSourceMovie', () => {
  test.each([
    { note: 'progressive with B-frames', args: film() },
    { note: 'with its moov in front', args: film('-movflags', '+faststart') },
    {
      note: 'fragmented as MediaMTX does',
      args: film('-movflags', 'frag_keyframe+empty_moov+default_base_moof'),
    },
    { note: 'fragmented with offsets in the file', args: film('-movflags', 'frag_keyframe+empty_moov') },
    { note: 'fragmented with an edit list', args: film('-movflags', 'frag_keyframe+delay_moov') },
    { note: 'H.265', args: [...PICTURE, ...TONE, '-t', '4', ...H265, ...AAC] },
  ])('reads every sample that ffprobe reads: $note', async ({ args }) => {
    const path = await made(args);
    await expectAsFfprobe(path, 'v');
    await expectAsFfprobe(path, 'a');
  });

  it('leaves uncompressed sound out and says so', async () => {
    const path = await made([...PICTURE, ...TONE, '-t', '2', ...H264, '-c:a', 'pcm_s16le'], 'mov');
    const movie = await readSourceMovie(memorySource(await readFile(path)));
    expect(movie).toMatchObject({ sound: undefined, leftOut: ['sowt'], beginsSeconds: 0 });
  });

  it('finds nothing to show in a file of sound alone, however long it says it is', async () => {
    const path = await made([...TONE, '-t', '20', ...AAC]);
    const movie = await readSourceMovie(memorySource(await readFile(path)));
    expect(movie.video).toBeUndefined();
    expect(movie.damage).toBeUndefined();
  });

  it('takes of a fragmented file that was cut off what is whole', async () => {
    const bytes = await readFile(await made(film('-movflags', 'frag_keyframe+empty_moov+default_base_moof')));
    const whole = await readSourceMovie(memorySource(bytes));
    const cut = await readSourceMovie(memorySource(bytes.subarray(0, bytes.length * 0.6)));
    expect(cut.damage?.message).toContain('the file ends');
    const own = samplesOf(cut.video!);
    expect(own.length).toBeGreaterThan(25);
    expect(own.length).toBeLessThan(100);
    expect(own).toEqual(samplesOf(whole.video!).slice(0, own.length));
  });

  test.each([
    ['nothing', (): Uint8Array => new Uint8Array(0)],
    ['rubbish', (): Uint8Array => new Uint8Array(5000).map((_, i) => (i * 7919) % 256)],
    ['a file without its moov', (bytes: Uint8Array): Uint8Array => bytes.subarray(0, bytes.length / 2)],
  ])('refuses %s in one sentence', async (_, broken) => {
    const bytes = new Uint8Array(await readFile(await made(film())));
    await expect(readSourceMovie(memorySource(broken(bytes)))).rejects.toMatchObject({ code: 'MP4_INVALID' });
  });

  it(
    'survives bytes that were changed anywhere: it reads on, or refuses politely',
    { timeout: 60_000 },
    async () => {
      const originals = await Promise.all(
        [film(), film('-movflags', 'frag_keyframe+empty_moov')].map(async (args) =>
          readFile(await made(args)),
        ),
      );
      let state = 12345;
      const random = (below: number): number => (state = (state * 1103515245 + 12345) % 2147483648) % below;
      for (let round = 0; round < 1500; round++) {
        const bytes = new Uint8Array(originals[round % 2]!);
        // Boxes stand at both ends; what lies between is media, which is not looked at.
        const spot = (): number => (random(2) === 0 ? random(4000) : bytes.length - 1 - random(4000));
        for (let i = 0; i <= random(4); i++)
          bytes[spot()] = [0, 1, 0x7f, 0x80, 0xff, random(256)][random(6)]!;
        try {
          const { video } = await readSourceMovie(memorySource(bytes));
          for (const [at, size] of video ? samplesOf(video) : []) {
            if (!Number.isFinite(at) || size > 0xffffffff) throw new Error('a sample makes no sense');
          }
        } catch (thrown) {
          if (!(thrown instanceof AppError) || !thrown.code.startsWith('MP4_')) throw thrown;
        }
      }
    },
  );
});

const hasGStreamer = await exec('gst-launch-1.0', ['--version']).then(
  () => true,
  () => false,
);

describe.skipIf(!hasGStreamer)(
  'readSourceMovie, of files by GStreamer (skipped where that is not installed)',
  () => {
    let directory: string;
    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), 'gapless-splitmux-'));
      const pipeline = `videotestsrc num-buffers=75 ! video/x-raw,width=160,height=90,framerate=25/1 ! x264enc key-int-max=25
      bframes=0 ! h264parse ! splitmuxsink location=${directory}/video%05d.mp4 max-size-time=2000000000`;
      // It hangs at its end now and then; then all files but the last are complete.
      await exec('gst-launch-1.0', ['-q', ...pipeline.split(/\s+/)], { timeout: 20_000 }).catch(
        (thrown: unknown) => {
          if (!(thrown as { killed?: boolean }).killed) throw thrown;
        },
      );
    }, 60_000);
    afterAll(() => rm(directory, { recursive: true }));

    it('reads every sample that ffprobe reads of every file that is complete', async () => {
      const names = (await readdir(directory)).sort().slice(0, -1);
      expect(names.length).toBeGreaterThan(0);
      for (const name of names) await expectAsFfprobe(join(directory, name), 'v');
    });
  },
);
