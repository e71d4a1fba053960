import { sameConfiguration } from './codec-configuration.js';
import type { Slice } from './movie-chains.js';
import type { PlacedSegment, PlacedTrack } from './movie-placement.js';
import { lastsFor, placeSound, shownAt, soundTrack } from './movie-placement.js';
import type { MoviePlan } from './movie-plan.js';
import { MovieTrack } from './movie-track.js';
import type { Track } from './track.js';

/**
 * The sound of a movie: the frames that are heard while its pictures are shown, each at its own place in time. One
 * frame more stands in front, hidden, because a decoder needs it to get going (AAC overlaps neighbouring frames).
 *
 * @param pictureTimescale ticks per second of the plan's times
 */
export function gatherSound(
  segments: readonly PlacedSegment[],
  plan: MoviePlan,
  reference: Track,
  pictureTimescale: number,
): MovieTrack {
  const { timescale } = reference;
  const inSound = (pictureTicks: number): number => Math.round((pictureTicks * timescale) / pictureTimescale);
  const gathered = new MovieTrack(reference, timescale);
  for (let index = 0; index < plan.stoppedBefore; index++) {
    const sound = soundTrack(segments[index]!);
    if (!sound || !sameConfiguration(reference, sound)) continue;
    const placed = placeSound(segments[index]!, sound, timescale);
    const until = Math.min(plan.endTicks, plan.overtakenAt.get(index) ?? plan.endTicks);
    const window = { from: inSound(plan.startTicks), until: inSound(until) };
    const isJoined = segments[index]!.continues;
    for (const slice of heard(placed, { segment: index, isJoined, window }, gathered))
      gathered.append(placed, slice);
  }
  return gathered;
}

interface Heard {
  readonly segment: number;
  /** Whether its first frame follows the last one of the segment before it, with nothing between them. */
  readonly isJoined: boolean;
  readonly window: { readonly from: number; readonly until: number };
}

/** The frames of a segment that are heard in the window and do not double what `before` already has, as slices. */
function* heard(
  placed: PlacedTrack,
  { segment, isJoined, window }: Heard,
  before: MovieTrack,
): Generator<Slice> {
  let first: number | undefined;
  let heardUntil = before.endsAt;
  for (let i = 0; i < placed.table.count; i++) {
    const shown = shownAt(placed, i);
    const duration = lastsFor(placed, i);
    const inWindow = shown + 2 * duration > window.from && shown < window.until;
    // Frames cannot be cut: one that would sound over more than half of another is left out. Not where a run goes on and
    // merely its clock was set right: then both belong there, and the one before only lasts less long.
    const mayCover = i === 0 && isJoined ? duration - 1 : duration / 2;
    if (inWindow && shown >= heardUntil - mayCover) {
      first ??= i;
      heardUntil = shown + duration;
    } else if (first !== undefined) {
      yield { segment, first, end: i };
      first = undefined;
    }
  }
  if (first !== undefined) yield { segment, first, end: placed.table.count };
}
