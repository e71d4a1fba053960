import type { Box } from './box.js';
import { childrenOf, findChild, requireChild } from './box.js';
import { parseEditList } from './edit-list.js';
import { Fields } from './fields.js';
import { mp4Invalid, mp4Unsupported } from './mp4-error.js';
import { parseSampleEntry } from './sample-entry.js';
import type { SampleDefaults, Track, TrackKind } from './track.js';

/** Reads a `trak` whose samples all lie in fragments; `defaultsById` holds what `mvex` says of each track. */
export function parseTrack(trak: Box, defaultsById: ReadonlyMap<number, SampleDefaults>): Track {
  requireNoSamples(sampleBoxesOf(trak));
  const track = describeTrack(trak);
  const defaults = defaultsById.get(track.id);
  if (!defaults) throw mp4Invalid('trak', trak.at, `has id ${track.id}, for which mvex has no trex`);
  return { ...track, defaults };
}

/** Reads a `trak` for all that it says of its samples together, wherever they lie. */
export function describeTrack(trak: Box): Omit<Track, 'defaults'> {
  const mdia = requireChild(trak, 'mdia');
  const kind = kindOf(requireChild(mdia, 'hdlr'));
  const entry = onlySampleEntry(requireChild(sampleBoxesOf(trak), 'stsd'));
  return {
    ...parseTrackHeader(requireChild(trak, 'tkhd')),
    kind,
    timescale: timescaleOf(requireChild(mdia, 'mdhd')),
    ...parseSampleEntry(entry, kind),
    edits: parseEditList(trak),
  };
}

/** The `stbl` of a `trak`. */
export function sampleBoxesOf(trak: Box): Box {
  return requireChild(requireChild(requireChild(trak, 'mdia'), 'minf'), 'stbl');
}

function parseTrackHeader(tkhd: Box): Pick<Track, 'id' | 'matrix' | 'displayWidth' | 'displayHeight'> {
  const fields = new Fields(tkhd);
  const { version } = fields.versionAndFlags();
  fields.skip(version === 1 ? 16 : 8); // creation and modification time
  const id = fields.u32();
  fields.skip(4 + (version === 1 ? 8 : 4)); // reserved, duration
  fields.skip(16); // reserved 8, layer, alternate group, volume, reserved
  const matrix = fields.bytes(36);
  return { id, matrix, displayWidth: fields.u32(), displayHeight: fields.u32() };
}

/** Ticks per second from `mvhd` or `mdhd`, which begin alike: version and flags, two times, timescale. */
export function timescaleOf(header: Box): number {
  const fields = new Fields(header);
  const { version } = fields.versionAndFlags();
  fields.skip(version === 1 ? 16 : 8);
  const timescale = fields.u32();
  if (timescale === 0) throw mp4Invalid(header.type, header.at, 'has timescale 0');
  return timescale;
}

function kindOf(hdlr: Box): TrackKind {
  const fields = new Fields(hdlr);
  fields.skip(8); // version, flags, pre_defined
  const handler = String.fromCharCode(...fields.bytes(4));
  if (handler === 'vide') return 'video';
  return handler === 'soun' ? 'audio' : 'other';
}

function onlySampleEntry(stsd: Box): Box {
  const fields = new Fields(stsd);
  fields.versionAndFlags();
  const count = fields.u32();
  if (count > 1) throw mp4Unsupported('stsd', stsd.at, `has ${count} sample entries, not 1`);
  for (const entry of childrenOf(stsd, fields.position)) return entry;
  throw mp4Invalid('stsd', stsd.at, 'has no sample entry');
}

/** Hybrid files keep some samples in the moov and the rest in fragments; reading half of a file would be a lie. */
function requireNoSamples(stbl: Box): void {
  const stts = findChild(stbl, 'stts');
  if (!stts) return;
  const fields = new Fields(stts);
  fields.versionAndFlags();
  if (fields.u32() !== 0)
    throw mp4Unsupported('stts', stts.at, 'has samples in the moov of a fragmented file');
}

/** Refuses samples that are described by any but the first sample entry: a track here has one configuration. */
export function requireOnlyEntry(sampleDescriptionIndex: number, from: Box): void {
  if (sampleDescriptionIndex !== 1)
    throw mp4Unsupported(from.type, from.at, `uses sample description ${sampleDescriptionIndex}, not 1`);
}
