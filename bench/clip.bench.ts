// Cutting a clip out of recorded segments, nothing encoded anew: 20 s out of segments of 5 s, and an hour. In-process, written out
// and ready to be streamed, beside ffmpeg's concat demuxer, mediabunny and GStreamer's splitmuxsrc over the same segment files.
// In memory, so that no disk is measured; in turn, so that a busy moment of the machine meets all of them.
import { execFileSync } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clip } from '@gapless/edge-agent/clip/index';
import { extractClip } from '@gapless/edge-agent/clip/index';
import { nodeDisk } from '@gapless/shared/fs';
import type { Cut } from './support/clip-ways.js';
import { cutByFfmpeg, cutByMediabunny, gstreamerObstacle, joinByGstreamer } from './support/clip-ways.js';
import { FFMPEG, makeClip } from './support/footage.js';
import type { RecordedLens } from './support/recorded-lens.js';
import { recordLens } from './support/recorded-lens.js';
import type { Report, Row } from './support/report.js';
import { print } from './support/report.js';
import { inScratch } from './support/scratch.js';
import { median } from './support/statistics.js';

const SEGMENT_SEC = 5;
const FRAMES_PER_SEC = 25;
const CLIP_SEC = 20;
const MINUTES = 62;
const signal = new AbortController().signal;

/** A stretch of the recording, in seconds from its start; its edges lie between keyframes. */
interface Stretch {
  readonly name: string;
  readonly fromSec: number;
  readonly lengthSec: number;
  readonly rounds: number;
}

const STRETCHES: readonly Stretch[] = [
  { name: '20 s', fromSec: 1_000.48, lengthSec: 20, rounds: 15 },
  { name: 'an hour', fromSec: 10.48, lengthSec: 3_600, rounds: 3 },
];

type Way = (stretch: Stretch, out: string) => Promise<void>;

async function measure(dir: string): Promise<Report> {
  const clip = join(dir, 'clip.mp4');
  makeClip(clip, 1, { durationSec: CLIP_SEC, withSound: true });
  using recorded = await recordLens(dir, {
    ...{ clip, repeats: (MINUTES * 60) / CLIP_SEC, segmentMs: SEGMENT_SEC * 1000 },
  });
  const obstacle = gstreamerObstacle();
  const others: Record<string, Way> = {
    'ffmpeg concat': (stretch, out) => cutByFfmpeg(cutOf(recorded, stretch), dir, out),
    mediabunny: (stretch, out) => cutByMediabunny(cutOf(recorded, stretch), out),
    ...(obstacle === undefined
      ? { splitmuxsrc: (stretch, out) => joinByGstreamer(cutOf(recorded, stretch), dir, out) }
      : {}),
  };
  const rows: Row[] = [];
  for (const stretch of STRETCHES) rows.push(...(await measureStretch(dir, recorded, stretch, others)));
  return {
    setting:
      `720p of 1 Mbit/s with sound in segments of ${SEGMENT_SEC} s, in memory. Ours shows exactly the stretch, the 20 s ` +
      'counted in decoded pictures; ffmpeg and mediabunny begin at the keyframe before, splitmuxsrc joins whole segments.',
    rows,
    skipped: obstacle === undefined ? [] : [obstacle],
  };
}

async function measureStretch(
  dir: string,
  recorded: RecordedLens,
  stretch: Stretch,
  others: Readonly<Record<string, Way>>,
): Promise<Row[]> {
  const written: Way = async (_stretch, out) => {
    using clip = await extract(recorded, stretch);
    const file = await nodeDisk.create(out);
    await clip.content.writeTo(file, signal);
    await file.close();
  };
  const ready: Way = async () => {
    using clip = await extract(recorded, stretch);
    if (clip.gaps.length > 0) throw new Error('the clip has gaps');
  };
  const ways = new Map<string, Way>([['written', written], ['ready', ready], ...Object.entries(others)]);
  const taken = new Map<string, number[]>([...ways.keys()].map((name) => [name, []]));
  const out = join(dir, 'out.mp4');
  for (let round = 0; round <= stretch.rounds; round++)
    for (const [name, way] of ways) {
      await rm(out, { force: true });
      const startedMs = performance.now();
      await way(stretch, out);
      // The first round fills caches, and proves each result.
      if (round > 0) taken.get(name)!.push(performance.now() - startedMs);
      else if (name !== 'ready') requirePictures(name, out, stretch);
    }
  const beside = Object.keys(others).map((name) => ({ name, value: median(taken.get(name)!) }));
  return [
    { measure: `${stretch.name}, written`, unit: 'ms', gapless: median(taken.get('written')!), beside },
    {
      measure: `${stretch.name}, ready to be streamed`,
      unit: 'ms',
      gapless: median(taken.get('ready')!),
      beside: beside.slice(0, 1),
    },
  ];
}

function extract(recorded: RecordedLens, { fromSec, lengthSec }: Stretch): Promise<Clip> {
  const startMs = recorded.startMs + Math.round(fromSec * 1000);
  const range = { startMs, endMs: startMs + lengthSec * 1000 };
  return extractClip(recorded.port, { lens: recorded.lens, range }, 'exact');
}

function cutOf({ files }: RecordedLens, { fromSec, lengthSec }: Stretch): Cut {
  const first = Math.floor(fromSec / SEGMENT_SEC);
  const end = Math.ceil((fromSec + lengthSec) / SEGMENT_SEC);
  return {
    files: files.slice(first, end),
    segmentSec: SEGMENT_SEC,
    fromSec: fromSec - first * SEGMENT_SEC,
    lengthSec,
  };
}

/** Of an hour of a clip that is repeated, whose sound is a little longer than its picture, this share must be there. */
const HOUR_SHARE = 0.999;

/** Ours must show exactly the pictures of the stretch, the others all of them at least. Decoding an hour would take too long. */
function requirePictures(name: string, path: string, { lengthSec }: Stretch): void {
  const isShort = lengthSec < 60;
  const isDecoded = name === 'written' && isShort;
  const pictures = picturesIn(path, isDecoded ? [] : ['-c', 'copy']);
  const wanted = lengthSec * FRAMES_PER_SEC;
  const isRight = isDecoded ? pictures === wanted : pictures >= wanted * (isShort ? 1 : HOUR_SHARE);
  if (!isRight) throw new Error(`${name} has ${pictures} pictures of ${wanted}`);
}

function picturesIn(path: string, options: readonly string[]): number {
  const args = ['-hide_banner', '-nostdin', '-i', path, '-map', '0:v', ...options, '-f', 'framehash', '-'];
  const hashes = execFileSync(FFMPEG, args, { stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 2 ** 28 });
  return hashes
    .toString()
    .split('\n')
    .filter((line) => /^\d/.test(line)).length;
}

print('clip', await inScratch(measure, { inMemory: true }));
