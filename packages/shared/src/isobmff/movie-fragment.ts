import type { Box } from './box.js';
import { childrenOf, requireChild, topLevelBoxes } from './box.js';
import { Fields } from './fields.js';
import type { InitSegment } from './init-segment.js';
import { mp4Invalid, mp4TooLarge, mp4Unsupported } from './mp4-error.js';
import type { TrackFragment } from './track-fragment.js';
import { dataEnd, MAX_FRAGMENT_SAMPLES, parseTrackFragment } from './track-fragment.js';

/** What one `moof` says of the media in the `mdat` behind it. */
export interface MovieFragment {
  /** `sequence_number` of `mfhd` (ISO/IEC 14496-12 section 8.8.5): the fragment's number in its run. */
  readonly number: number;
  /** One a track that has samples or at least a place here, in file order. */
  readonly tracks: readonly TrackFragment[];
}

/** Where the media of a fragment lie, in bytes from the start of its `moof`. */
export interface MediaBounds {
  readonly start: number;
  readonly end: number;
  /** As in {@link TrackFragmentPlace}. */
  readonly fixedAt?: number | undefined;
}

/**
 * Reads a whole fragment, one `moof` followed by one `mdat`.
 *
 * @throws MP4_INVALID, MP4_UNSUPPORTED or MP4_TOO_LARGE as {@link parseMovieFragment}
 */
export function parseFragment(bytes: Uint8Array, init: InitSegment): MovieFragment {
  const [moof, mdat, more] = topLevelBoxes(bytes);
  if (moof?.type !== 'moof')
    throw mp4Invalid(moof?.type ?? 'fragment', 0, 'is not the moof that must be here');
  if (mdat?.type !== 'mdat')
    throw mp4Invalid(mdat?.type ?? 'moof', mdat?.at ?? 0, 'is not the mdat that must follow its moof');
  if (more) throw mp4Invalid(more.type, more.at, 'follows the end of the fragment');
  const end = mdat.at + mdat.bytes.length;
  return parseMovieFragment(moof.bytes, init, { start: end - mdat.body.length, end });
}

/**
 * Reads a `moof`.
 *
 * @param moof the whole box and nothing else
 * @param media where the `mdat`'s content lies; samples outside it are refused
 * @param at where the `moof` lies, for messages
 * @throws MP4_INVALID for broken boxes, unknown tracks or samples outside the `mdat`; MP4_UNSUPPORTED for fragments that
 *   cannot be moved or placed in time; MP4_TOO_LARGE for absurd counts
 */
export function parseMovieFragment(
  moof: Uint8Array,
  init: InitSegment,
  media: MediaBounds,
  at = 0,
): MovieFragment {
  const [box] = topLevelBoxes(moof, at);
  if (box?.type !== 'moof') throw mp4Invalid(box?.type ?? 'fragment', at, 'is not a moof');
  const tracks: TrackFragment[] = [];
  let dataStart = 0;
  let sampleCount = 0;
  for (const child of childrenOf(box)) {
    if (child.type !== 'traf') continue;
    const fragment = parseTrackFragment(child, init, { dataStart, fixedAt: media.fixedAt });
    if (tracks.some((one) => one.track === fragment.track))
      throw mp4Unsupported('traf', child.at, `is the second of track ${fragment.track.id}`);
    requireInside(fragment, media, child);
    tracks.push(fragment);
    dataStart = dataEnd(fragment) ?? dataStart;
    sampleCount += fragment.sampleCount;
    if (sampleCount > MAX_FRAGMENT_SAMPLES)
      throw mp4TooLarge('moof', box.at, `has more than ${MAX_FRAGMENT_SAMPLES} samples`);
  }
  return { number: sequenceNumber(box), tracks };
}

/** The fragment number of a `moof`, without reading the rest of it. */
export function sequenceNumber(moof: Box): number {
  const fields = new Fields(requireChild(moof, 'mfhd'));
  fields.versionAndFlags();
  return fields.u32();
}

function requireInside(fragment: TrackFragment, media: MediaBounds, traf: Box): void {
  for (const { offset, sizeBytes, sampleCount } of fragment.runs) {
    if (sampleCount === 0) continue;
    if (offset < media.start || offset + sizeBytes > media.end)
      throw mp4Invalid(
        'traf',
        traf.at,
        `has samples at ${offset} to ${offset + sizeBytes} of its fragment, outside the mdat (${media.start} to ${media.end})`,
      );
  }
}
