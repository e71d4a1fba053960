import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { decode } from '@gapless/harness/decoded';
import type { CodedFrame } from '@gapless/harness/frame-hashes';
import { accountFor, hashFrames } from '@gapless/harness/frame-hashes';
import type { DurationMs } from '@gapless/shared/time';
import { Failure } from './failure.js';

/** How frames that central serves stand to those that the encoders made. */
export interface Frames {
  /** From the first frame that the camera made to the last one that is served. */
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

/** What central served of a lens, held against its camera's own copy. */
export interface Served {
  /** Picture and sound. */
  readonly frames: Frames;
  /** Coded frames of the picture. */
  readonly pictures: number;
  /** Frames of the picture that the camera had made by then, and that come after the last one served. */
  readonly picturesAfter: number;
}

/** The part of a camera that the proof needs. */
export interface Witness {
  /** Every frame that it made so far, from its own copy. */
  made(): Promise<CodedFrame[]>;
}

/** Fetches a video from central into `file` and counts its coded frames, picture and sound, against the camera's. */
export async function proveVideo(
  ffmpeg: string,
  video: { readonly url: string; readonly file: string; readonly camera: Witness },
): Promise<Served & { /** What central says that it covers. */ readonly coveredMs: DurationMs }> {
  const response = await fetch(video.url);
  if (!response.ok || !response.body)
    throw new Failure(`central does not serve the video: ${response.status} ${await response.text()}`);
  await pipeline(Readable.fromWeb(response.body), createWriteStream(video.file));
  const found = await hashFrames(ffmpeg, video.file);
  return {
    ...compare(await video.camera.made(), found),
    coveredMs: Number(response.headers.get('gapless-covered-ms')),
  };
}

/**
 * One segment after the other, each on a connection of its own: ffmpeg of 2018 forgets byte ranges on a connection that
 * it keeps, and loses the last segment when it fetches ahead.
 */
const PLAYLIST_OPTIONS = ['-http_persistent', '0', '-http_multiple', '0'];

/** Lets ffmpeg read a playlist over HTTP from its first segment to its last, and counts as {@link proveVideo}. */
export async function provePlaylist(
  ffmpeg: string,
  playlist: { readonly url: string; readonly camera: Witness },
): Promise<Served> {
  const found = await hashFrames(ffmpeg, playlist.url, PLAYLIST_OPTIONS);
  return compare(await playlist.camera.made(), found);
}

/** Holds what was served from a camera's first frame on against everything that the camera made. */
export function compare(made: readonly CodedFrame[], found: readonly CodedFrame[]): Served {
  const picture = accountFor(made, found, STREAMS.picture);
  const sound = accountFor(made, found, STREAMS.sound);
  const frames = [picture, sound]
    // The agent records from the camera's first frame on: what is served later than that was lost before.
    .map(({ before, expected, lost, ...rest }) => ({
      ...rest,
      expected: before + expected,
      lost: before + lost,
    }))
    .reduce<Frames>(addFrames, noFrames);
  const pictures = found.filter(({ stream }) => stream === STREAMS.picture).length;
  return { frames, pictures, picturesAfter: picture.after };
}

/** Decoded frames may end this far from where the wall clock says: one frame, and rounding. */
const DECODED_TOLERANCE_MS = 60;

/** Decodes a video to its end; throws a sentence when it shows less or more than what is in it. */
export async function proveDecoding(
  ffmpeg: string,
  file: string,
  served: { readonly pictures: number; readonly coveredMs: DurationMs },
): Promise<DurationMs> {
  const picture = (await decode(ffmpeg, file))[STREAMS.picture];
  if (picture?.frames !== served.pictures)
    throw new Failure(`Of ${served.pictures} pictures of the MP4, ${picture?.frames ?? 0} can be decoded.`);
  if (Math.abs(picture.durationMs - served.coveredMs) > DECODED_TOLERANCE_MS)
    throw new Failure(`The MP4 covers ${served.coveredMs} ms, and decodes to ${picture.durationMs} ms.`);
  return picture.durationMs;
}
