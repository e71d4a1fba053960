import { sameConfiguration } from './codec-configuration.js';
import type { MovieRequest } from './movie.js';
import type { Chain, Slice } from './movie-chains.js';
import { decodableChains } from './movie-chains.js';
import type { PlacedSegment } from './movie-placement.js';
import { cutBefore, cutWhereReached, fromLastSync, withoutLeading } from './movie-cut.js';
import { lastsFor, shownAt, soundTrack } from './movie-placement.js';
import type { Track } from './track.js';

/** Which samples of the primary track a movie consists of. Times are movie time, see `PlacedTrack`. */
export interface MoviePlan {
  /** In decode order. */
  readonly slices: readonly Slice[];
  /** The chains that they were taken from, whole: what there is to be shown. */
  readonly chains: readonly Chain[];
  /** When the first picture that counts is shown; earlier ones are only there for others to be decoded. */
  readonly startTicks: number;
  readonly endTicks: number;
  /** Index of the first segment of another format; the count of segments when there is none. */
  readonly stoppedBefore: number;
  /** The track whose sound goes with the pictures; `undefined` when there is none. */
  readonly sound: Track | undefined;
  /** For segments of a run that a later one overtook before its end: when that began. */
  readonly overtakenAt: ReadonlyMap<number, number>;
}

/**
 * Chooses the samples that show `[0, toTicks)`; `undefined` when nothing of it can be shown.
 *
 * Samples are cut in decode order: everything stays up to the last one that is shown before the end, because with
 * B-frames a picture shown after the end may be needed by one shown before it.
 */
export function planMovie(
  segments: readonly PlacedSegment[],
  toTicks: number,
  mode: MovieRequest['mode'],
): MoviePlan | undefined {
  const chains = decodableChains(segments);
  const start = findStart(segments, chains, { toTicks, mode });
  if (!start) return undefined;
  const { slices, ...joined } = joinChains(segments, chains, start);
  const limit = mode === 'exact' ? toTicks : firstSyncFrom(segments, slices, toTicks);
  cutBefore(segments, slices, limit);
  const { startTicks } = start;
  const endTicks = Math.min(limit, lastShownUntil(segments, slices, limit));
  return startTicks < endTicks ? { slices, startTicks, endTicks, ...joined } : undefined;
}

interface Start {
  readonly startTicks: number;
  /** Index of the chain to begin in. */
  readonly index: number;
  /** That chain from the sync sample on that is needed first. */
  readonly chain: Chain;
}

/** Begins in the newest chain that shows something at 0; else in the first that begins after 0. */
function findStart(
  segments: readonly PlacedSegment[],
  chains: readonly Chain[],
  { toTicks, mode }: { readonly toTicks: number; readonly mode: MovieRequest['mode'] },
): Start | undefined {
  let found: number | undefined;
  chains.forEach((chain, index) => {
    const beginsLater = shownAtStart(segments, chain) > 0;
    if (beginsLater ? found === undefined : endOf(segments, chain) > 0) found = index;
  });
  if (found === undefined) return undefined;
  const whole = chains[found]!;
  const picture = mode === 'exact' ? firstPicture(segments, whole, toTicks) : 0;
  const chain = fromLastSync(segments, whole, picture);
  const startTicks = mode === 'exact' ? picture : shownAtStart(segments, chain);
  return { startTicks, index: found, chain };
}

/** When a chain's first sample, a sync sample, is shown; nothing is shown before it. */
export function shownAtStart(segments: readonly PlacedSegment[], [begin]: Chain): number {
  return shownAt(segments[begin!.segment]!.primary, begin!.first);
}

/** Puts the chains from the start on one behind the other, up to a change of format. */
function joinChains(
  segments: readonly PlacedSegment[],
  all: readonly Chain[],
  { index, chain }: Start,
): Pick<MoviePlan, 'chains' | 'stoppedBefore' | 'sound' | 'overtakenAt'> & { slices: Slice[] } {
  const chains = [all[index]!];
  const slices = withoutLeading(segments, chain);
  const startSegment = segments[chain[0]!.segment]!;
  const begins: Begin[] = [];
  let sound = soundTrack(startSegment);
  let stoppedBefore = segments.length;
  for (const next of all.slice(index + 1)) {
    const { segment, first } = next[0]!;
    const placed = segments[segment]!;
    const itsSound = soundTrack(placed);
    const sameFormat =
      sameConfiguration(startSegment.primary.track, placed.primary.track) &&
      (!sound || !itsSound || sameConfiguration(sound, itsSound));
    if (!sameFormat) {
      stoppedBefore = segment;
      break;
    }
    sound ??= itsSound;
    const beginsAt = shownAt(placed.primary, first);
    cutWhereReached(segments, slices, beginsAt);
    begins.push({ segment, ticks: beginsAt });
    chains.push(next);
    slices.push(...withoutLeading(segments, next));
  }
  return { slices, chains, stoppedBefore, sound, overtakenAt: overtakenBy(segments, begins) };
}

/** Where a chain begins: its first segment, and when that is shown. */
interface Begin {
  readonly segment: number;
  readonly ticks: number;
}

/**
 * When the first chain of another run begins that comes after a segment, for each segment that has one. Walks back from
 * the end with the earliest begin and the earliest of another run than that: a day has thousands of both.
 */
function overtakenBy(segments: readonly PlacedSegment[], begins: readonly Begin[]): Map<number, number> {
  const runOf = (index: number): string => segments[index]!.segment.run;
  const overtakenAt = new Map<number, number>();
  let left = begins.length;
  let earliest: Begin | undefined;
  let ofOtherRun: Begin | undefined;
  for (let i = segments.length - 1; i >= 0; i--) {
    for (; left > 0 && begins[left - 1]!.segment > i; left--) {
      const begin = begins[left - 1]!;
      if (!earliest || begin.ticks < earliest.ticks) {
        if (earliest && runOf(earliest.segment) !== runOf(begin.segment)) ofOtherRun = earliest;
        earliest = begin;
      } else if (runOf(begin.segment) !== runOf(earliest.segment)) {
        if (!ofOtherRun || begin.ticks < ofOtherRun.ticks) ofOtherRun = begin;
      }
    }
    const by = earliest && runOf(earliest.segment) === runOf(i) ? ofOtherRun : earliest;
    if (by) overtakenAt.set(i, by.ticks);
  }
  return overtakenAt;
}

/** When the first sync sample at or after `ticks` is shown; infinity when there is none. */
function firstSyncFrom(segments: readonly PlacedSegment[], slices: readonly Slice[], ticks: number): number {
  for (const { segment, first, end } of slices) {
    const { primary } = segments[segment]!;
    for (let i = first; i < end; i++) {
      if (primary.table.sync[i] === 0) continue;
      const shown = shownAt(primary, i);
      if (shown >= ticks) return shown;
    }
  }
  return Number.POSITIVE_INFINITY;
}

/**
 * When the first picture in `[0, toTicks)` is shown; where none is, the last one before. Not 0 itself: ffmpeg and what is
 * built on it move the pictures to the start of an edit that begins between two of them, away from their sound.
 */
function firstPicture(segments: readonly PlacedSegment[], chain: Chain, toTicks: number): number {
  let inside = toTicks;
  let before = Number.NEGATIVE_INFINITY;
  for (const { segment, first, end } of chain) {
    const { primary } = segments[segment]!;
    for (let i = first; i < end; i++) {
      const shown = shownAt(primary, i);
      if (shown >= 0) inside = Math.min(inside, shown);
      else before = Math.max(before, shown);
    }
  }
  return inside < toTicks ? inside : before;
}

/** When the last of the samples shown before `limit` ends. */
function lastShownUntil(segments: readonly PlacedSegment[], slices: readonly Slice[], limit: number): number {
  let until = Number.NEGATIVE_INFINITY;
  for (const { segment, first, end } of slices) {
    const { primary } = segments[segment]!;
    for (let i = first; i < end; i++) {
      const shown = shownAt(primary, i);
      if (shown < limit) until = Math.max(until, shown + lastsFor(primary, i));
    }
  }
  return until;
}

/** When a chain's last sample ends on the decode timeline, which is where coverage is counted. */
function endOf(segments: readonly PlacedSegment[], chain: Chain): number {
  const { segment, end } = chain.at(-1)!;
  const { primary, originTicks } = segments[segment]!;
  const { decodeTicks, durationTicks } = primary.table;
  return Math.round((decodeTicks[end - 1]! + durationTicks[end - 1]!) * primary.scale) - originTicks;
}
