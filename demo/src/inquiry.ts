import { join } from 'node:path';
import type { Range } from '@gapless/shared/interval';
import type { DurationMs, EpochMs } from '@gapless/shared/time';
import { systemClock } from '@gapless/shared/time';
import { exportedLens, FRAME_MS, lenses, otherVehicle, tunnelVehicle } from './cast.js';
import { doubtsAbout } from './doubts.js';
import { healedRanges, recordedIn } from './gap.js';
import { linksOf } from './links.js';
import type { Outcome } from './outcome.js';
import type { Frames, Served } from './proof.js';
import { addFrames, noFrames, proveDecoding, provePlaylist, proveVideo } from './proof.js';
import type { Scene } from './scene.js';
import type { SeenGaps } from './seen-gaps.js';
import type { Snapshot } from './timeline.js';
import { isCompleted, lengthWithin, runsOf } from './timeline.js';

/** A camera's own copy of what it made may be this much behind. */
export const CAMERA_LAG_MS: DurationMs = 2_000;

/** What the link carried to fill the gap, and how long that took. */
export interface Healing {
  readonly healMs: DurationMs;
  readonly wireBytes: number;
  readonly payloadBytes: number;
}

/** The story as it was told. */
export interface Told {
  readonly tunnel: Range;
  readonly healing: Healing;
  /** From before the first frame to where all lenses are proven. */
  readonly window: Range;
  /** What central says at the end. */
  readonly latest: Snapshot;
  /** What central has shown since the link was cut. */
  readonly gaps: SeenGaps;
}

/** Finds out whether the story is true: from what central serves, and from what cameras and vehicles have on disk. */
export async function inquire(scene: Scene, ffmpeg: string, told: Told): Promise<Outcome> {
  const { tunnel, healing, window, latest, gaps } = told;
  const links = await linksOf(scene.client, scene.central.url, exportedLens.path);
  const videos = await proveVideos(scene, ffmpeg, window);
  const playlist = links.playlist(window);
  const played = await provePlaylist(ffmpeg, { url: playlist, camera: scene.camera(exportedLens.path) });
  const servedUntilMs = Math.min(videos.servedUntilMs, madeAtLeastAt(played));
  const { frames, mp4, mp4Ms } = videos;
  const missing = await missingOf(scene, latest, tunnel);
  const found = { ...missing, frames, playlistFrames: played.frames };
  return {
    ...found,
    tunnelMs: tunnel.endMs - tunnel.startMs,
    sentBytes: healing.wireBytes,
    payloadBytes: healing.payloadBytes,
    healMs: healing.healMs,
    mp4,
    mp4Ms,
    playlist,
    timeline: links.timeline(window),
    otherGapMs: gaps.longestMs(otherVehicle.name),
    otherLateMs: otherLateMs(latest, { startMs: tunnel.startMs, endMs: window.endMs }),
    doubts: doubtsAbout({ ...found, servedUntilMs, returnedMs: tunnel.endMs, gaps }),
  };
}

interface Videos {
  readonly frames: Frames;
  readonly servedUntilMs: EpochMs;
  /** The video of the {@link exportedLens}. */
  readonly mp4: string;
  readonly mp4Ms: DurationMs;
}

/** Fetches the video of every lens, and decodes that of the one that is exported. */
async function proveVideos(scene: Scene, ffmpeg: string, window: Range): Promise<Videos> {
  let frames = noFrames;
  let servedUntilMs = Infinity;
  let mp4 = '';
  let mp4Ms = 0;
  for (const { path } of lenses) {
    const file = join(scene.dir, `${path.replace('/', '_')}.mp4`);
    const url = (await linksOf(scene.client, scene.central.url, path)).video(window);
    const served = await proveVideo(ffmpeg, { url, file, camera: scene.camera(path) });
    frames = addFrames(frames, served.frames);
    servedUntilMs = Math.min(servedUntilMs, madeAtLeastAt(served));
    if (path !== exportedLens.path) continue;
    mp4 = file;
    mp4Ms = await proveDecoding(ffmpeg, file, served);
  }
  return { frames, servedUntilMs, mp4, mp4Ms };
}

/** When the last picture served was made, at the earliest: the camera has made so many more since. */
function madeAtLeastAt({ picturesAfter }: Served): EpochMs {
  return systemClock.nowMs() - CAMERA_LAG_MS - picturesAfter * FRAME_MS;
}

async function missingOf(
  scene: Scene,
  latest: Snapshot,
  tunnel: Range,
): Promise<Pick<Outcome, 'gapMs' | 'missingBytes' | 'missingFragments'>> {
  const vehicle = scene.vehicle(tunnelVehicle.name);
  let gapMs = 0;
  let missingBytes = 0;
  let missingFragments = 0;
  for (const { path, lens } of tunnelVehicle.lenses) {
    const ranges = healedRanges(latest, path, tunnel);
    const recorded = await recordedIn(vehicle, lens, ranges);
    gapMs = Math.max(gapMs, ranges.totalMs);
    missingBytes += recorded.bytes;
    missingFragments += recorded.fragments;
  }
  return { gapMs, missingBytes, missingFragments };
}

function otherLateMs(latest: Snapshot, sinceCut: Range): DurationMs {
  return Math.max(
    ...otherVehicle.lenses.map(({ path }) =>
      lengthWithin(runsOf(latest, path).filter(isCompleted), sinceCut),
    ),
  );
}
