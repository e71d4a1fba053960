import type { NewBox } from './box-writer.js';
import { ascii, box, boxBytes, u16, u32, versionAndFlags } from './box-writer.js';
import type { Track } from './track.js';

/** `sample_flags` of a sample that nothing else is said of: it depends on no other. */
const SYNC_FLAGS = 0x02000000;

/** Rows of the unity matrix, 16.16 and 2.30 fixed point. */
const UNITY_MATRIX = u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000);

const MOVIE_TIMESCALE = 1000;

/**
 * An init segment for tracks that were described elsewhere, numbered from 1 in the order given, without edit lists and
 * without dates: the same tracks always give the same bytes.
 */
export function initSegmentOf(tracks: readonly Track[]): Uint8Array {
  const ftyp = boxBytes(box('ftyp', ascii('iso6'), u32(0), ascii('iso6mp41')));
  const moov = boxBytes(
    box(
      'moov',
      box(
        'mvhd',
        versionAndFlags(0, 0),
        u32(0, 0, MOVIE_TIMESCALE, 0), // created, changed, timescale, duration
        u32(0x10000), // rate 1.0
        u16(0x100, 0), // volume 1.0, reserved
        u32(0, 0), // reserved
        UNITY_MATRIX,
        u32(0, 0, 0, 0, 0, 0), // pre_defined
        u32(tracks.length + 1), // next_track_ID
      ),
      ...tracks.map((track, i) => trackBox(track, i + 1)),
      box('mvex', ...tracks.map((_, i) => defaultsBox(i + 1))),
    ),
  );
  const out = new Uint8Array(ftyp.length + moov.length);
  out.set(ftyp);
  out.set(moov, ftyp.length);
  return out;
}

function trackBox(track: Track, id: number): NewBox {
  const isSound = track.kind === 'audio';
  const tkhd = box(
    'tkhd',
    versionAndFlags(0, 3), // enabled, in movie
    u32(0, 0, id, 0, 0), // created, changed, track_ID, reserved, duration
    u32(0, 0), // reserved
    u16(0, isSound ? 1 : 0), // layer, alternate_group
    u16(isSound ? 0x100 : 0, 0), // volume, reserved
    track.matrix,
    u32(track.displayWidth, track.displayHeight),
  );
  // Times, timescale, duration; language "und", pre_defined.
  const mdhd = box('mdhd', versionAndFlags(0, 0), u32(0, 0, track.timescale, 0), u16(0x55c4, 0));
  const hdlr = box(
    'hdlr',
    versionAndFlags(0, 0),
    u32(0),
    ascii(isSound ? 'soun' : 'vide'),
    u32(0, 0, 0),
    ascii(isSound ? 'SoundHandler\0' : 'VideoHandler\0'),
  );
  const header = isSound
    ? box('smhd', versionAndFlags(0, 0), u16(0, 0)) // balance, reserved
    : box('vmhd', versionAndFlags(0, 1), u16(0, 0, 0, 0)); // graphicsmode, opcolor
  const selfContained = box('url ', versionAndFlags(0, 1));
  const dinf = box('dinf', box('dref', versionAndFlags(0, 0), u32(1), selfContained));
  return box('trak', tkhd, box('mdia', mdhd, hdlr, box('minf', header, dinf, sampleBoxes(track))));
}

/** Tables without samples: those are in the fragments. */
function sampleBoxes({ sampleEntry }: Track): NewBox {
  const entry = sampleEntry.slice();
  entry.set(u16(1), 14); // data_reference_index, behind the header and six reserved bytes
  const empty = (type: string, fields: readonly number[]): NewBox =>
    box(type, versionAndFlags(0, 0), u32(...fields));
  return box(
    'stbl',
    box('stsd', versionAndFlags(0, 0), u32(1), entry),
    empty('stts', [0]),
    empty('stsc', [0]),
    empty('stsz', [0, 0]),
    empty('stco', [0]),
  );
}

function defaultsBox(id: number): NewBox {
  // track_ID, sample_description_index, duration, size, flags
  return box('trex', versionAndFlags(0, 0), u32(id, 1, 0, 0, SYNC_FLAGS));
}
