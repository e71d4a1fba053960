import type { EpochMs } from '../time/index.js';
import { MAX_SAMPLE_MS } from './coverage.js';
import { primaryTrack } from './init-segment.js';
import type { Movie, MovieRequest, MovieSegment } from './movie.js';
import { accountFor } from './movie-gaps.js';
import type { ShownTrack } from './movie-header.js';
import { movieHeader } from './movie-header.js';
import { layOutMedia } from './movie-layout.js';
import { placeSegments } from './movie-placement.js';
import { planMovie } from './movie-plan.js';
import { gatherSound } from './movie-sound.js';
import { MovieTrack } from './movie-track.js';
import { wallMs } from './segment-clock.js';

/**
 * Makes a progressive MP4 file out of stored segments without making a file: a header in memory, and stretches of the
 * segments' files as they lie there. Nothing is encoded anew, and the same request always gives the same bytes.
 *
 * Every sample stands at its own wall time, so that nothing adds up over hours and sound stays with its pictures. Where
 * samples are missing, the one before the hole lasts until the next, so that a minute of movie is a minute of the day;
 * the holes are in `gaps`.
 *
 * @returns `undefined` when nothing of the range can be shown
 * @throws MP4_UNSUPPORTED for edit lists that play media in pieces, MP4_TOO_LARGE for ranges of many days
 */
export function buildMovie({
  segments,
  range,
  mode,
  maxSampleMs = MAX_SAMPLE_MS,
}: MovieRequest): Movie | undefined {
  const withSamples = segments.filter(({ fragments }) => fragments.length > 0);
  const reference = segmentAt(withSamples, range.startMs);
  if (!reference) return undefined;
  const { timescale } = primaryTrack(reference.init);
  const placed = placeSegments(segments, range.startMs, timescale);
  const toTicks = Math.round(((range.endMs - range.startMs) * timescale) / 1000);
  const plan = planMovie(placed, toTicks, mode);
  if (!plan) return undefined;

  const { startTicks, endTicks, slices } = plan;
  const pictures = new MovieTrack(placed[slices[0]!.segment]!.primary.track, timescale);
  for (const slice of slices) pictures.append(placed[slice.segment]!.primary, slice);
  const tracks: ShownTrack[] = [{ media: pictures, startTicks, endTicks }];
  const sound = plan.sound && gatherSound(placed, plan, plan.sound, timescale);
  if (sound) tracks.push(...heardSound(sound, plan, timescale));
  for (const { media } of tracks) media.close();

  const toMs = (ticks: number): EpochMs => range.startMs + Math.round((ticks * 1000) / timescale);
  const endMs = toMs(endTicks);
  // A range is never empty, even where less than half a millisecond is shown.
  const shown = { startMs: Math.min(toMs(startTicks), endMs - 1), endMs };
  const layout = layOutMedia(tracks.map(({ media }) => media));
  const header = movieHeader(tracks, layout, shown.startMs);
  return {
    header,
    parts: layout.parts,
    sizeBytes: header.length + layout.lengthBytes,
    ...shown,
    ...accountFor(placed, plan, { range, shown, timescale, maxSampleMs }),
    codecs: tracks.map(({ media }) => media.track.codec),
  };
}

/** The segment that is recording at an instant, else the first. */
function segmentAt(segments: readonly MovieSegment[], instantMs: EpochMs): MovieSegment | undefined {
  const begunBefore = ({ clock, fragments }: MovieSegment): boolean =>
    wallMs(clock, fragments[0]!.startTicks) <= instantMs;
  return segments.findLast(begunBefore) ?? segments[0];
}

/** Sound is heard while pictures are shown, as far as there is any. */
function heardSound(
  sound: MovieTrack,
  { startTicks, endTicks }: { readonly startTicks: number; readonly endTicks: number },
  pictureTimescale: number,
): ShownTrack[] {
  const inSound = (ticks: number): number => Math.round((ticks * sound.timescale) / pictureTimescale);
  const heard = {
    media: sound,
    startTicks: inSound(startTicks),
    endTicks: Math.min(inSound(endTicks), sound.endsAt),
  };
  return heard.endTicks > Math.max(heard.startTicks, sound.firstShown) ? [heard] : [];
}
