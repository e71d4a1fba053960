import { execFileSync } from 'node:child_process';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { scanSegment, wallMs } from '@gapless/shared/isobmff';

export const FFMPEG = process.env['GAPLESS_FFMPEG'] ?? 'ffmpeg';

/** Makes a clip of constant bit rate, a keyframe a second, to be played in a loop by as many lenses as are wanted. */
export function makeClip(
  path: string,
  megabitsPerSec: number,
  {
    durationSec = 20,
    withSound = false,
  }: { readonly durationSec?: number; readonly withSound?: boolean } = {},
): void {
  const rate = `${megabitsPerSec * 1000}k`;
  const encoder = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-bf', '0'];
  const pace = ['-g', '25', '-keyint_min', '25', '-sc_threshold', '0'];
  const constant = ['-b:v', rate, '-minrate', rate, '-maxrate', rate, '-bufsize', rate];
  const filler = ['-x264-params', 'nal-hrd=cbr:force-cfr=1'];
  const input = ['-f', 'lavfi', '-i', 'testsrc2=size=1280x720:rate=25'];
  const sound = withSound ? ['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000', '-shortest'] : [];
  const quiet = ['-hide_banner', '-loglevel', 'error', '-nostdin', '-y'];
  execFileSync(FFMPEG, [
    ...[...quiet, ...input, ...sound, '-t', String(durationSec)],
    ...[...encoder, ...pace, ...constant, ...filler, path],
  ]);
}

/** A closed segment as it lies on the vehicle. */
export interface RecordedSegment {
  readonly path: string;
  readonly sizeBytes: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly fragments: readonly { readonly endMs: number; readonly sizeBytes: number }[];
}

/** All closed segments below a directory of recordings, with their fragments, as the files themselves say. */
export async function recordedSegments(directory: string): Promise<RecordedSegment[]> {
  const names = await readdir(directory, { recursive: true });
  const closed = names.filter((name) => name.endsWith('.mp4') && !name.includes('recording/'));
  return Promise.all(closed.map((name) => readSegment(join(directory, name))));
}

async function readSegment(path: string): Promise<RecordedSegment> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const { identity, fragments } = await scanSegment({
      sizeBytes: size,
      read: async (offset, length) => {
        const into = new Uint8Array(length);
        return into.subarray(0, (await file.read(into, 0, length, offset)).bytesRead);
      },
    });
    const read = fragments.map(({ startTicks, durationTicks, sizeBytes }) => ({
      endMs: wallMs(identity!, startTicks + durationTicks),
      sizeBytes,
    }));
    return {
      path,
      sizeBytes: size,
      startMs: wallMs(identity!, fragments[0]!.startTicks),
      endMs: read.at(-1)!.endMs,
      fragments: read,
    };
  } finally {
    await file.close();
  }
}
