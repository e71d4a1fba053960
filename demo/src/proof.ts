import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { decode } from '@gapless/harness/decoded';
import type { CodedFrame, FrameAccount } from '@gapless/harness/frame-hashes';
import { accountFor, hashFrames } from '@gapless/harness/frame-hashes';
import type { Camera } from '@gapless/harness/camera';
import type { DurationMs } from '@gapless/shared/time';
import { Failure } from './failure.js';

/** How frames that central serves stand to those that the encoders made. */
export interface Frames {
  readonly expected: number;
  readonly lost: number;
  readonly doubled: number;
  /** Frames that no encoder made, or that are out of order. */
  readonly foreign: number;
}

export const noFrames: Frames = { expected: 0, lost: 0, doubled: 0, foreign: 0 };

export function addFrames(a: Frames, b: Frames): Frames {
  return {
    expected: a.expected + b.expected,
    lost: a.lost + b.lost,
    doubled: a.doubled + b.doubled,
    foreign: a.foreign + b.foreign,
  };
}

export function isWhole({ expected, lost, doubled, foreign }: Frames): boolean {
  return expected > 0 && lost === 0 && doubled === 0 && foreign === 0;
}

const STREAMS = { picture: 0, sound: 1 };

/** A file that central served, and what is known of it. */
export interface Served {
  readonly frames: Frames;
  /** Coded frames of the picture. */
  readonly pictures: number;
  /** What central says that it covers. */
  readonly coveredMs: DurationMs;
}

/** Fetches a video from central into `file` and counts its coded frames, picture and sound, against the camera's. */
export async function proveVideo(
  ffmpeg: string,
  video: { readonly url: string; readonly file: string; readonly camera: Camera },
): Promise<Served> {
  const response = await fetch(video.url);
  if (!response.ok || !response.body)
    throw new Failure(`central does not serve the video: ${response.status} ${await response.text()}`);
  await pipeline(Readable.fromWeb(response.body), createWriteStream(video.file));
  const made = await video.camera.made();
  const found = await hashFrames(ffmpeg, video.file);
  return {
    frames: countAll(made, found),
    pictures: found.filter(({ stream }) => stream === STREAMS.picture).length,
    coveredMs: Number(response.headers.get('gapless-covered-ms')),
  };
}

/** Lets ffmpeg read a playlist over HTTP from its first segment to its last, and counts as {@link proveVideo}. */
export async function provePlaylist(
  ffmpeg: string,
  playlist: { readonly url: string; readonly camera: Camera },
): Promise<Frames> {
  // On a connection that it keeps, ffmpeg of 2018 forgets the byte range of a segment.
  const found = await hashFrames(ffmpeg, playlist.url, ['-http_persistent', '0']);
  return countAll(await playlist.camera.made(), found);
}

function countAll(made: readonly CodedFrame[], found: readonly CodedFrame[]): Frames {
  const { picture, sound } = STREAMS;
  return [picture, sound]
    .map((stream): FrameAccount => accountFor(made, found, stream))
    .reduce(addFrames, noFrames);
}

/** Decoded frames may end this far from where the wall clock says: one frame, and rounding. */
const DECODED_TOLERANCE_MS = 60;

/** Decodes a video to its end; throws a sentence when it shows less or more than what is in it. */
export async function proveDecoding(ffmpeg: string, file: string, served: Served): Promise<DurationMs> {
  const picture = (await decode(ffmpeg, file))[STREAMS.picture];
  if (picture?.frames !== served.pictures)
    throw new Failure(`Of ${served.pictures} pictures of the MP4, ${picture?.frames ?? 0} can be decoded.`);
  if (Math.abs(picture.durationMs - served.coveredMs) > DECODED_TOLERANCE_MS)
    throw new Failure(`The MP4 covers ${served.coveredMs} ms, and decodes to ${picture.durationMs} ms.`);
  return picture.durationMs;
}
