import type { EpochMs } from '../time/index.js';
import { presentationOf } from './edit-list.js';
import { primaryTrack } from './init-segment.js';
import type { MovieSegment } from './movie.js';
import type { SampleTable } from './sample-table.js';
import type { Track } from './track.js';

/**
 * Where samples stand in a movie. Movie time is in ticks of the movie's track and 0 at the start of the range asked
 * for: a sample of the table is decoded at `round(decode * scale) - base`, shown at `round(composed * scale) - base`.
 */
export interface PlacedTrack {
  readonly track: Track;
  readonly table: SampleTable;
  /** Ticks of the movie's track for one of this segment's; 1 unless runs differ in timescale. */
  readonly scale: number;
  readonly base: number;
}

/** A segment on the movie's timeline. */
export interface PlacedSegment {
  readonly segment: MovieSegment;
  readonly primary: PlacedTrack;
  /** Decode time of the primary track, in ticks of the movie's track, that stands for the start of the range. */
  readonly originTicks: number;
  /** Whether nothing is missing between the segment before this one and this one. */
  readonly continues: boolean;
}

/**
 * How far the media clock may stray from the wall clock before a movie follows the wall clock again. Within a run
 * samples keep their distances to the tick; without this bound an hour at 50 ppm would be 180 ms off.
 */
const MAX_STRAY_MS = 10;

/** Places segments by their own clocks; none is pushed on by those before it, so errors never add up. */
export function placeSegments(
  segments: readonly MovieSegment[],
  startMs: EpochMs,
  timescale: number,
): PlacedSegment[] {
  const placed: PlacedSegment[] = [];
  for (const segment of segments) {
    const before = placed.at(-1);
    const sameRun = before !== undefined && before.segment.run === segment.run;
    let originTicks = originOf(segment, startMs, timescale);
    const strayTicks = (MAX_STRAY_MS * timescale) / 1000;
    if (sameRun && Math.abs(originTicks - before.originTicks) <= strayTicks) originTicks = before.originTicks;
    const track = primaryTrack(segment.init);
    const scale = timescale / track.timescale;
    const { mediaTime } = presentationOf(track, segment.init.movieTimescale);
    placed.push({
      segment,
      originTicks,
      continues: sameRun && followsByNumber(before.segment, segment),
      primary: {
        track,
        table: tableOf(segment, track),
        scale,
        base: originTicks + Math.round(mediaTime * scale),
      },
    });
  }
  return placed;
}

/** The first track with sound beside the primary one. */
export function soundTrack({ segment, primary }: PlacedSegment): Track | undefined {
  return segment.init.tracks.find((track) => track.kind === 'audio' && track !== primary.track);
}

/** Places a segment's sound beside its pictures, as the edit lists of their file say. */
export function placeSound(placed: PlacedSegment, sound: Track, timescale: number): PlacedTrack {
  const { segment, primary, originTicks } = placed;
  const { movieTimescale } = segment.init;
  const primaryTimescale = primary.track.timescale * primary.scale;
  const pictureDelay = presentationOf(primary.track, movieTimescale).delayTicks * primary.scale;
  const scale = timescale / sound.timescale;
  const { mediaTime, delayTicks } = presentationOf(sound, movieTimescale);
  const originInSound = ((originTicks + pictureDelay) * timescale) / primaryTimescale;
  const base = Math.round(originInSound + (mediaTime - delayTicks) * scale);
  return { track: sound, table: tableOf(segment, sound), scale, base };
}

/** When sample `i` is shown, in movie time. */
export function shownAt({ table, scale, base }: PlacedTrack, i: number): number {
  return Math.round((table.decodeTicks[i]! + table.compositionTicks[i]!) * scale) - base;
}

/** How long sample `i` lasts, in ticks of the movie's track. */
export function lastsFor({ table, scale }: PlacedTrack, i: number): number {
  return Math.round(table.durationTicks[i]! * scale);
}

function tableOf(segment: MovieSegment, track: Track): SampleTable {
  return segment.tables[segment.init.tracks.indexOf(track)]!;
}

function originOf({ clock, fragments }: MovieSegment, startMs: EpochMs, timescale: number): number {
  const firstTicks = fragments[0]?.startTicks ?? clock.startTicks;
  // As wallMs, but not rounded to milliseconds: all segments of a run then have the same origin to the tick.
  const sinceAnchorMs = ((firstTicks - clock.startTicks) * 1000 * (1 + clock.ppm / 1e6)) / clock.timescale;
  const intoRangeMs = clock.startMs - startMs + sinceAnchorMs;
  return Math.round((firstTicks * timescale) / clock.timescale - (intoRangeMs * timescale) / 1000);
}

function followsByNumber(before: MovieSegment, segment: MovieSegment): boolean {
  const last = before.fragments.at(-1);
  const first = segment.fragments[0];
  return last !== undefined && first !== undefined && first.number === last.number + 1;
}
