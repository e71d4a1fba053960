// How others cut a clip out of the agent's segment files without encoding anew.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  ALL_FORMATS,
  EncodedAudioPacketSource,
  EncodedPacketSink,
  EncodedVideoPacketSource,
  FilePathSource,
  FilePathTarget,
  Input,
  Mp4OutputFormat,
  Output,
} from 'mediabunny';
import { FFMPEG } from './footage.js';

/** The segment files of a clip, and where in them it lies, in seconds. */
export interface Cut {
  readonly files: readonly string[];
  readonly segmentSec: number;
  readonly fromSec: number;
  readonly lengthSec: number;
}

/**
 * ffmpeg's concat demuxer: begins at the keyframe before. Segments of one run share a timeline, so it has to be told how long each
 * is.
 */
export async function cutByFfmpeg(
  { files, segmentSec, fromSec, lengthSec }: Cut,
  dir: string,
  out: string,
): Promise<void> {
  const list = join(dir, 'list.txt');
  await writeFile(list, files.map((file) => `file '${file}'\nduration ${segmentSec}\n`).join(''));
  const input = ['-f', 'concat', '-safe', '0', '-ss', String(fromSec), '-t', String(lengthSec), '-i', list];
  const quiet = ['-hide_banner', '-loglevel', 'error', '-nostdin', '-y'];
  execFileSync(FFMPEG, [...quiet, ...input, '-c', 'copy', out]);
}

/** mediabunny, copying packets: begins at the keyframe before. */
export async function cutByMediabunny({ files, fromSec, lengthSec }: Cut, out: string): Promise<void> {
  const output = new Output({ format: new Mp4OutputFormat(), target: new FilePathTarget(out) });
  const video = new EncodedVideoPacketSource('avc');
  const audio = new EncodedAudioPacketSource('aac');
  output.addVideoTrack(video);
  output.addAudioTrack(audio);
  await output.start();
  let zeroSec: number | undefined;
  for (const path of files) {
    using input = new Input({ source: new FilePathSource(path), formats: ALL_FORMATS });
    const picture = (await input.getPrimaryVideoTrack())!;
    const sound = (await input.getPrimaryAudioTrack())!;
    const pictures = new EncodedPacketSink(picture);
    const firstSec = await picture.getFirstTimestamp();
    const startSec = zeroSec === undefined ? firstSec + fromSec : firstSec;
    const first = await pictures.getKeyPacket(startSec);
    zeroSec ??= first!.timestamp;
    const endSec = zeroSec + lengthSec;
    const pictureFormat = { decoderConfig: (await picture.getDecoderConfig())! };
    for await (const packet of pictures.packets(first ?? undefined)) {
      if (packet.timestamp >= endSec) break;
      await video.add(packet.clone({ timestamp: packet.timestamp - zeroSec }), pictureFormat);
    }
    const sounds = new EncodedPacketSink(sound);
    const soundFormat = { decoderConfig: (await sound.getDecoderConfig())! };
    for await (const packet of sounds.packets((await sounds.getPacket(zeroSec)) ?? undefined)) {
      if (packet.timestamp >= endSec) break;
      if (packet.timestamp >= zeroSec)
        await audio.add(packet.clone({ timestamp: packet.timestamp - zeroSec }), soundFormat);
    }
  }
  await output.finalize();
}

/** GStreamer's splitmuxsrc, which joins whole files. */
export async function joinByGstreamer({ files }: Cut, dir: string, out: string): Promise<void> {
  const parts = join(dir, 'parts');
  await rm(parts, { recursive: true, force: true });
  await mkdir(parts);
  for (const [index, file] of files.entries())
    await symlink(file, join(parts, `${String(index).padStart(6, '0')}.mp4`));
  const source = `splitmuxsrc location=${parts}/*.mp4 name=s`;
  const pipeline = `${source} s.video_0 ! queue ! h264parse ! m. s.audio_0 ! queue ! aacparse ! m. qtmux name=m ! filesink location=${out}`;
  execFileSync('gst-launch-1.0', ['-q', ...pipeline.split(' ')], {
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: 120_000,
  });
}

/** Why GStreamer cannot be measured here; `undefined` if it can. */
export function gstreamerObstacle(): string | undefined {
  const needed = ['splitmuxsrc', 'h264parse', 'aacparse', 'qtmux'];
  const isThere = (element: string): boolean =>
    spawnSync('gst-inspect-1.0', ['--exists', element]).status === 0;
  const missing = needed.filter((element) => !isThere(element));
  return missing.length === 0 ? undefined : `GStreamer has no ${missing.join(', ')}`;
}
