import { spawn } from 'node:child_process';
import { owned } from './children.js';

/** What came of one stream when it was decoded from its first frame to its last. */
export interface Decoded {
  readonly frames: number;
  /** From the start of the first frame shown to the end of the last. */
  readonly durationMs: number;
}

/**
 * Decodes a media file or URL to its end, as a player would, edit lists and all; returns one account per stream.
 * Throws with what ffmpeg complained of: a file that plays has nothing to complain of.
 */
export function decode(ffmpeg: string, input: string): Promise<Decoded[]> {
  return new Promise((resolve, reject) => {
    const output = ['-map', '0', '-f', 'framecrc', '-'];
    const child = owned(
      spawn(ffmpeg, ['-hide_banner', '-nostdin', '-loglevel', 'error', '-i', input, ...output], {
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );
    let text = '';
    let complaint = '';
    child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
    child.stderr.setEncoding('utf8').on('data', (part: string) => (complaint += part));
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0 && complaint === '') resolve(accounts(text));
      else reject(new Error(`ffmpeg could not decode ${input}: ${complaint.trim() || `code ${code}`}`));
    });
  });
}

/** `#tb 0: 1/25`, then a line a frame: `0, 12, 12, 1, 345600, 0x1f3a…` — stream, dts, pts, duration, size, checksum. */
function accounts(text: string): Decoded[] {
  const secondsPerTick = new Map<number, number>();
  const spans = new Map<number, { frames: number; start: number; end: number }>();
  for (const line of text.split('\n')) {
    const base = /^#tb (\d+): (\d+)\/(\d+)/.exec(line);
    if (base) secondsPerTick.set(Number(base[1]), Number(base[2]) / Number(base[3]));
    const [stream = NaN, , pts = NaN, duration = NaN] = line.split(',').map(Number);
    if (line.startsWith('#') || Number.isNaN(pts + duration)) continue;
    const span = spans.get(stream) ?? { frames: 0, start: pts, end: pts };
    spans.set(stream, {
      frames: span.frames + 1,
      start: Math.min(span.start, pts),
      end: Math.max(span.end, pts + duration),
    });
  }
  return [...spans]
    .sort(([a], [b]) => a - b)
    .map(([stream, { frames, start, end }]) => ({
      frames,
      durationMs: Math.round((end - start) * (secondsPerTick.get(stream) ?? NaN) * 1000),
    }));
}
