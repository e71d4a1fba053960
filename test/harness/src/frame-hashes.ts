import { spawn } from 'node:child_process';
import { owned } from './children.js';

/** One coded frame, as ffmpeg's `framemd5` muxer names it. */
export interface CodedFrame {
  /** Index of the stream: 0 is the picture, 1 the sound. */
  readonly stream: number;
  readonly sizeBytes: number;
  readonly md5: string;
}

/**
 * The coded frames of a media file or URL in the order of the file, taken out by ffmpeg without decoding. Edit lists
 * are ignored: what is in the file counts, not what is shown.
 */
export function hashFrames(
  ffmpeg: string,
  input: string,
  options: readonly string[] = ['-ignore_editlist', '1'],
): Promise<CodedFrame[]> {
  return new Promise((resolve, reject) => {
    const output = ['-map', '0', '-c', 'copy', '-f', 'framemd5', '-'];
    const child = owned(
      spawn(ffmpeg, ['-hide_banner', '-loglevel', 'error', ...options, '-i', input, ...output], {
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );
    let text = '';
    let complaint = '';
    child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
    child.stderr.setEncoding('utf8').on('data', (part: string) => (complaint += part));
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(parse(text));
      else reject(new Error(`ffmpeg could not read ${input}: ${complaint}`));
    });
  });
}

/** `0, 88016, 88656, 640, 6822, 4adc33b7…` — stream, dts, pts, duration, size, hash. */
function parse(text: string): CodedFrame[] {
  const frames: CodedFrame[] = [];
  for (const line of text.split('\n')) {
    const [stream, , , , size, md5] = line.split(',').map((field) => field.trim());
    if (md5 === undefined || !/^[0-9a-f]{32}$/.test(md5)) continue;
    frames.push({ stream: Number(stream), sizeBytes: Number(size), md5 });
  }
  return frames;
}

/** What a comparison of frames with what a camera made came to. */
export interface FrameAccount {
  /** Frames that the camera made before the first one found. */
  readonly before: number;
  /** Frames that the camera made from the first to the last one found. */
  readonly expected: number;
  /** Frames that the camera made after the last one found. */
  readonly after: number;
  readonly lost: number;
  readonly doubled: number;
  /** Frames that the camera never made, or that stand out of their order. */
  readonly foreign: number;
}

/**
 * Counts how the frames of one stream of `found` stand to what the camera made: between the first and the last frame
 * that both have, each must be there once and in order.
 */
export function accountFor(
  made: readonly CodedFrame[],
  found: readonly CodedFrame[],
  stream: number,
): FrameAccount {
  const truth = made.filter((frame) => frame.stream === stream).map(({ md5 }) => md5);
  const have = found.filter((frame) => frame.stream === stream).map(({ md5 }) => md5);
  const first = truth.indexOf(have[0] ?? '');
  const last = truth.lastIndexOf(have.at(-1) ?? '');
  if (first < 0 || last < first)
    return { before: 0, expected: 0, after: truth.length, lost: 0, doubled: 0, foreign: have.length };
  const expected = truth.slice(first, last + 1);
  // Equal frames (silence, a still picture) exist; so each is counted as often as the camera made it.
  const left = new Map<string, number>();
  for (const md5 of expected) left.set(md5, (left.get(md5) ?? 0) + 1);
  const known = new Set(left.keys());
  let doubled = 0;
  let foreign = 0;
  for (const md5 of have) {
    const remaining = left.get(md5) ?? 0;
    if (remaining > 0) left.set(md5, remaining - 1);
    else if (known.has(md5)) doubled++;
    else foreign++;
  }
  const lost = [...left.values()].reduce((sum, count) => sum + count, 0);
  if (lost === 0 && doubled === 0 && foreign === 0)
    foreign = have.filter((md5, i) => md5 !== expected[i]).length;
  return {
    before: first,
    expected: expected.length,
    after: truth.length - first - expected.length,
    lost,
    doubled,
    foreign,
  };
}
