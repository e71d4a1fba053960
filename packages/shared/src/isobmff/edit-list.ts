import type { Box } from './box.js';
import { findChild } from './box.js';
import { Fields } from './fields.js';
import { mp4TooLarge, mp4Unsupported } from './mp4-error.js';
import type { Edit, Track } from './track.js';

/** Where a track's samples stand on the presentation timeline of their file. */
export interface Presentation {
  /** Composition time, in ticks of the track, of what is presented first. */
  readonly mediaTime: number;
  /** How long after the start of the presentation that is, in ticks of the track. */
  readonly delayTicks: number;
}

/** Recorders write one or two edits; more than this is an edited film. */
const MAX_EDITS = 64;

/** Reads `edts` of a `trak`; no entries when there is none. */
export function parseEditList(trak: Box): readonly Edit[] {
  const edts = findChild(trak, 'edts');
  const elst = edts && findChild(edts, 'elst');
  if (!elst) return [];
  const fields = new Fields(elst);
  const { version } = fields.versionAndFlags();
  const count = fields.u32();
  if (count > MAX_EDITS) throw mp4TooLarge('elst', elst.at, `has ${count} edits, more than ${MAX_EDITS}`);
  const edits: Edit[] = [];
  for (let i = 0; i < count; i++) {
    const durationTicks = version === 1 ? fields.u64() : fields.u32();
    const mediaTime = version === 1 ? fields.i64() : fields.i32();
    const rate = fields.i16();
    fields.skip(2);
    if (rate !== 1) throw mp4Unsupported('elst', elst.at, `plays at rate ${rate}`);
    edits.push({ durationTicks, mediaTime });
  }
  return edits;
}

/**
 * What a recorder's edit list says: an optional delay (empty edits), then the media from some time on. Without a list
 * the media are presented as they are.
 *
 * @throws MP4_UNSUPPORTED for lists that play media more than once or in pieces
 */
export function presentationOf(
  track: Pick<Track, 'edits' | 'timescale'>,
  movieTimescale: number,
): Presentation {
  let delayMovieTicks = 0;
  let mediaTime: number | undefined;
  for (const edit of track.edits) {
    if (edit.mediaTime < 0 && mediaTime === undefined) delayMovieTicks += edit.durationTicks;
    else if (mediaTime === undefined) mediaTime = edit.mediaTime;
    else throw mp4Unsupported('elst', 0, 'plays the media in more than one piece');
  }
  return {
    mediaTime: mediaTime ?? 0,
    delayTicks: Math.round((delayMovieTicks * track.timescale) / movieTimescale),
  };
}
