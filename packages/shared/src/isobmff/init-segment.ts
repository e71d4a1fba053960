import { AppError } from '../errors/index.js';
import type { Box } from './box.js';
import { childrenOf, findChild, requireChild, topLevelBoxes } from './box.js';
import { Fields } from './fields.js';
import { mp4Invalid, mp4TooLarge, mp4Unsupported } from './mp4-error.js';
import { parseTrack, requireOnlyEntry, timescaleOf } from './track-box.js';
import type { SampleDefaults, Track } from './track.js';

/** What the `ftyp` and `moov` of a fragmented file say. */
export interface InitSegment {
  /** Ticks per second of the durations in edit lists. */
  readonly movieTimescale: number;
  /** In file order; at least one. */
  readonly tracks: readonly Track[];
}

/** A camera has one picture and perhaps a few sounds and metadata; more than this is not a recording. */
const MAX_TRACKS = 16;

/**
 * Reads an init segment. Other boxes beside `ftyp` and `moov` are passed over.
 *
 * @throws MP4_INVALID for broken boxes, MP4_UNSUPPORTED for a file that is not, or only partly, fragmented,
 *   MP4_TOO_LARGE for absurd counts
 */
export function parseInitSegment(bytes: Uint8Array): InitSegment {
  let moov: Box | undefined;
  for (const box of topLevelBoxes(bytes)) {
    if (box.type !== 'moov') continue;
    if (moov) throw mp4Invalid('moov', box.at, 'is the second one');
    moov = box;
  }
  if (!moov) throw mp4Invalid('file', 0, 'has no moov');
  return parseMovie(moov);
}

/** The track whose samples decide what a segment covers: the first video track, else the first with sound. */
export function primaryTrack(init: InitSegment): Track {
  const track =
    init.tracks.find((one) => one.kind === 'video') ?? init.tracks.find((one) => one.kind === 'audio');
  if (!track) throw new AppError('MP4_UNSUPPORTED', 'the file has neither video nor sound');
  return track;
}

/** The track with that id; throws MP4_INVALID if there is none. */
export function trackById(init: InitSegment, id: number, from: Box): Track {
  const track = init.tracks.find((one) => one.id === id);
  if (!track) throw mp4Invalid(from.type, from.at, `belongs to track ${id}, which the moov does not know`);
  return track;
}

function parseMovie(moov: Box): InitSegment {
  const mvex = findChild(moov, 'mvex');
  if (!mvex) throw mp4Unsupported('moov', moov.at, 'has no mvex: this is not a fragmented file');
  const defaults = parseDefaults(mvex);
  const tracks: Track[] = [];
  for (const child of childrenOf(moov)) {
    if (child.type !== 'trak') continue;
    if (tracks.length === MAX_TRACKS)
      throw mp4TooLarge('moov', moov.at, `has more than ${MAX_TRACKS} tracks`);
    const track = parseTrack(child, defaults);
    if (tracks.some((one) => one.id === track.id))
      throw mp4Invalid('trak', child.at, `repeats track id ${track.id}`);
    tracks.push(track);
  }
  if (tracks.length === 0) throw mp4Invalid('moov', moov.at, 'has no tracks');
  return { movieTimescale: timescaleOf(requireChild(moov, 'mvhd')), tracks };
}

/** What `mvex` says of the samples of each track, by track id. */
export function parseDefaults(mvex: Box): ReadonlyMap<number, SampleDefaults> {
  const defaults = new Map<number, SampleDefaults>();
  for (const child of childrenOf(mvex)) {
    if (child.type !== 'trex') continue;
    if (defaults.size === MAX_TRACKS)
      throw mp4TooLarge('mvex', mvex.at, `has more than ${MAX_TRACKS} defaults`);
    const fields = new Fields(child);
    fields.versionAndFlags();
    const trackId = fields.u32();
    requireOnlyEntry(fields.u32(), child);
    defaults.set(trackId, {
      durationTicks: fields.u32(),
      sizeBytes: fields.u32(),
      flags: fields.u32(),
    });
  }
  return defaults;
}
