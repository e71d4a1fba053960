// A picture of a recorded moment, 1080p: with an ffmpeg that is kept, with a fresh one, and beside them an ffmpeg that is started on
// the segment's file. In memory, so that no disk is measured; in turn, so that a busy moment of the machine meets all of them.
import { execFileSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { segmentId } from '@gapless/shared/ids';
import type { Snapshot } from '@gapless/edge-agent/snapshot/index';
import { takeSnapshot } from '@gapless/edge-agent/snapshot/index';
import { parseVehicleId } from '@gapless/shared/ids';
import { DEFAULT_QUALITY, PictureDecoders, startDecoder } from '@gapless/shared/still';
import { systemClock } from '@gapless/shared/time';
import { FFMPEG } from './support/footage.js';
import type { RecordedLens } from './support/recorded-lens.js';
import { recordLens } from './support/recorded-lens.js';
import type { Report, Row } from './support/report.js';
import { print } from './support/report.js';
import { inScratch } from './support/scratch.js';
import { median, quantile } from './support/statistics.js';

const ROUNDS = 30;
const CLIP_SEC = 12;
const GOP_SEC = 2;
const SIZE = { width: 1920, height: 1080 };
const QUIET = ['-hide_banner', '-loglevel', 'error', '-nostdin', '-y'];
/** An eye sees no difference. */
const ALIKE_DB = 30;
const signal = new AbortController().signal;

interface Footage {
  readonly name: string;
  readonly encoder: readonly string[];
}

const FOOTAGE: readonly Footage[] = [
  {
    name: 'H.264',
    encoder: ['-c:v', 'libx264', '-preset', 'veryfast', '-b:v', '4M', '-g', '60', '-bf', '2'],
  },
  {
    name: 'H.265',
    encoder: [
      ...['-c:v', 'libx265', '-preset', 'ultrafast', '-b:v', '2500k', '-tag:v', 'hvc1'],
      ...['-x265-params', 'log-level=error:keyint=60:min-keyint=60:bframes=3'],
    ],
  },
];

async function measure(dir: string): Promise<Report> {
  const rows: Row[] = [];
  for (const footage of FOOTAGE) rows.push(...(await measureFootage(join(dir, footage.name), footage)));
  return {
    setting:
      `1080p with B-frames and a keyframe every ${GOP_SEC} s, in memory; medians of ${ROUNDS} pictures. Each shows the keyframe ` +
      'as ffmpeg decodes it from the file.',
    rows,
  };
}

async function measureFootage(dir: string, { name, encoder }: Footage): Promise<Row[]> {
  await mkdir(dir);
  const clip = join(dir, 'clip.mp4');
  const scene = `testsrc2=s=${SIZE.width}x${SIZE.height}:r=30,noise=alls=8:allf=t`;
  const input = ['-f', 'lavfi', '-i', scene, '-t', String(CLIP_SEC), '-pix_fmt', 'yuv420p'];
  execFileSync(FFMPEG, [...QUIET, ...input, ...encoder, clip]);
  using recorded = await recordLens(dir, { clip, repeats: 1, segmentMs: 4_000 });
  await using kept = newDecoders();
  const taken = {
    kept: [] as number[],
    fresh: [] as number[],
    ffmpeg: [] as number[],
    start: [] as number[],
  };
  for (let round = 0; round <= ROUNDS; round++) {
    // Somewhere in a GOP, never the same one twice in a row.
    const atMs = recorded.startMs + (round % (CLIP_SEC / GOP_SEC)) * GOP_SEC * 1000 + 700;
    await using fresh = newDecoders();
    const shots = {
      kept: await timed(taken.kept, () => snapshot(recorded, kept, atMs)),
      fresh: await timed(taken.fresh, () => snapshot(recorded, fresh, atMs)),
    };
    const grabbed = await timed(taken.ffmpeg, () => grab(recorded, shots.kept, ['-q:v', '5', '-f', 'mjpeg']));
    await timed(taken.start, () => execFileSync(FFMPEG, ['-version']));
    if (round > 0) continue;
    // The first round starts what is kept, fills caches, and proves each result.
    for (const times of Object.values(taken)) times.pop();
    const frame = grab(recorded, shots.kept, ['-pix_fmt', 'gray', '-f', 'rawvideo']);
    requireAlike(`${name}, kept`, shots.kept.jpeg, frame);
    requireAlike(`${name}, fresh`, shots.fresh.jpeg, frame);
    requireAlike(`${name}, ffmpeg`, grabbed, frame);
  }
  const beside = [{ name: 'ffmpeg -ss', value: median(taken.ffmpeg) }];
  const p95 = quantile(taken.kept, 0.95)!;
  return [
    {
      ...{
        measure: `${name}, ffmpeg kept`,
        unit: 'ms',
        gapless: median(taken.kept),
        beside,
        aim: { atMost: 20 },
      },
      note: `least ${Math.min(...taken.kept).toFixed(1)} ms, p95 ${p95.toFixed(1)} ms`,
    },
    {
      ...{
        measure: `${name}, ffmpeg started`,
        unit: 'ms',
        gapless: median(taken.fresh),
        beside,
        aim: { atMost: 120 },
      },
      note: `${median(taken.start)!.toFixed(0)} ms are the bare start of ffmpeg`,
    },
  ];
}

async function timed<T>(into: number[], work: () => Promise<T> | T): Promise<T> {
  const startedMs = performance.now();
  const done = await work();
  into.push(performance.now() - startedMs);
  return done;
}

function newDecoders(): PictureDecoders {
  return new PictureDecoders({ ffmpeg: () => FFMPEG, start: startDecoder, clock: systemClock });
}

function snapshot({ port, lens }: RecordedLens, decoders: PictureDecoders, atMs: number): Promise<Snapshot> {
  const { reader, storageDir, use } = port;
  return takeSnapshot(
    {
      ...{ vehicle: parseVehicleId('bus-042'), reader, storageDir, lensNow: () => undefined, decoders },
      hold: (segments) => use.hold(segments),
    },
    { lens, atMs, pick: 'before', look: { width: undefined, quality: DEFAULT_QUALITY } },
    signal,
  );
}

/** What an ffmpeg that is started on the segment's file makes of the picture. */
function grab(recorded: RecordedLens, shot: Snapshot, output: readonly string[]): Buffer {
  const { port, lens, files, startMs } = recorded;
  const segments = port.reader.segments.overlapping(lens, { startMs: 0, endMs: Number.MAX_SAFE_INTEGER });
  const file = files[segments.findIndex((one) => segmentId(one) === segmentId(shot.segment))]!;
  // By the run's own time, and a little earlier: a time that was rounded up would be that of the next picture.
  const at = ['-seek_timestamp', '1', '-ss', String((shot.atMs - startMs - 2) / 1000), '-i', file];
  return execFileSync(FFMPEG, [...QUIET, ...at, '-map', '0:v:0', '-frames:v', '1', ...output, '-'], {
    maxBuffer: 2 ** 26,
  });
}

function requireAlike(name: string, jpeg: Uint8Array, frame: Buffer): void {
  const grey = execFileSync(
    FFMPEG,
    [
      ...QUIET.filter((option) => option !== '-nostdin'),
      '-f',
      'mjpeg',
      '-i',
      '-',
      '-pix_fmt',
      'gray',
      '-f',
      'rawvideo',
      '-',
    ],
    { input: jpeg, maxBuffer: 2 ** 26 },
  );
  let squares = 0;
  for (let i = 0; i < frame.length; i++) squares += (frame[i]! - grey[i]!) ** 2;
  const db = 10 * Math.log10(255 ** 2 / (squares / frame.length));
  if (grey.length !== frame.length || db < ALIKE_DB)
    throw new Error(`${name} does not show the keyframe: ${db.toFixed(1)} dB`);
}

print('snapshot', await inScratch(measure, { inMemory: true }));
