import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { hashFrames } from '@gapless/harness/frame-hashes';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { proveVideo } from '../../demo/src/proof.js';

const FFMPEG = process.env['GAPLESS_FFMPEG'] ?? 'ffmpeg';
const FPS = 25;
const SECONDS = 4;

/** A video in fragments of one second: what stands before the first, and each of them. */
interface Video {
  readonly head: Buffer;
  readonly fragments: readonly Buffer[];
  readonly tail: Buffer;
}

function split(file: Buffer): Video {
  const boxes: { type: string; bytes: Buffer }[] = [];
  for (let at = 0; at < file.length;) {
    const bytes = file.subarray(at, at + file.readUInt32BE(at));
    boxes.push({ type: bytes.toString('latin1', 4, 8), bytes });
    at += bytes.length;
  }
  const isFragment = ({ type }: { type: string }): boolean => type === 'moof' || type === 'mdat';
  const inFragments = boxes.filter(isFragment).map(({ bytes }) => bytes);
  const first = boxes.findIndex(isFragment);
  return {
    head: Buffer.concat(boxes.slice(0, first).map(({ bytes }) => bytes)),
    fragments: Array.from({ length: inFragments.length / 2 }, (_, index) =>
      Buffer.concat(inFragments.slice(2 * index, 2 * index + 2)),
    ),
    tail: Buffer.concat(
      boxes.filter((box, index) => index > first && !isFragment(box)).map(({ bytes }) => bytes),
    ),
  };
}

describe("the demo's proof", () => {
  let dir: string;
  let camera: { made: () => ReturnType<typeof hashFrames> };
  let video: Video;
  let server: Server;
  let served: Buffer;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'gapless-demo-proof-'));
    const copy = join(dir, 'camera.mkv');
    const file = join(dir, 'video.mp4');
    const ffmpeg = (...args: string[]) =>
      promisify(execFile)(FFMPEG, ['-loglevel', 'error', '-nostdin', ...args]);
    await ffmpeg(
      ...['-f', 'lavfi', '-i', `testsrc2=size=320x180:rate=${FPS}:duration=${SECONDS}`],
      ...['-f', 'lavfi', '-i', `sine=frequency=440:sample_rate=48000:duration=${SECONDS}`],
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', String(FPS)],
      ...['-c:a', 'aac', '-flags', '+global_header', copy],
    );
    await ffmpeg('-i', copy, '-c', 'copy', '-movflags', '+frag_keyframe+empty_moov+default_base_moof', file);
    camera = { made: () => hashFrames(FFMPEG, copy, []) };
    video = split(await readFile(file));
    server = createServer((_, response) => response.end(served));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(async () => {
    await new Promise((resolve) => server.close(resolve));
    await rm(dir, { recursive: true });
  });

  /** Counts what is found when a server serves these fragments of the video, by their numbers. */
  async function counted(...fragments: number[]) {
    const { head, tail } = video;
    served = Buffer.concat([head, ...fragments.map((index) => video.fragments[index]!), tail]);
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const { frames, pictures } = await proveVideo(FFMPEG, { url, file: join(dir, 'served.mp4'), camera });
    return { frames, pictures };
  }

  it('holds for the video as the camera made it', async () => {
    expect(await counted(0, 1, 2, 3)).toMatchObject({
      frames: { lost: 0, doubled: 0, foreign: 0 },
      pictures: FPS * SECONDS,
    });
  });

  it('counts the frames of a fragment that is left out', async () => {
    const { frames, pictures } = await counted(0, 2, 3);
    expect(pictures).toBe(FPS * (SECONDS - 1));
    expect(frames.lost).toBeGreaterThan(FPS);
    expect(frames).toMatchObject({ doubled: 0, foreign: 0 });
  });

  it('counts the frames of the first fragment, too', async () => {
    expect((await counted(1, 2, 3)).frames.lost).toBeGreaterThan(FPS);
  });

  it('counts the frames of a fragment that is there twice', async () => {
    const { frames } = await counted(0, 1, 1, 2, 3);
    expect(frames.doubled).toBeGreaterThan(FPS);
    expect(frames).toMatchObject({ lost: 0, foreign: 0 });
  });

  it('finds fragments that stand in the wrong order', async () => {
    expect((await counted(0, 2, 1, 3)).frames).toMatchObject({ lost: 0, doubled: 0 });
    expect((await counted(0, 2, 1, 3)).frames.foreign).toBeGreaterThan(FPS);
  });
});
