import type { EpochMs } from '../time/index.js';
import type { NewBox } from './box-writer.js';
import { ascii, box, boxBytes, boxSize, u16, u32, u64, versionAndFlags } from './box-writer.js';
import type { MediaLayout } from './movie-layout.js';
import { chunkOffsetBox, sampleTable } from './movie-sample-table.js';
import type { MovieTrack } from './movie-track.js';

/** What a track shows of its media, in ticks of the track and movie time. */
export interface ShownTrack {
  readonly media: MovieTrack;
  readonly startTicks: number;
  readonly endTicks: number;
}

/**
 * Ticks per second of the movie header and of edit lengths: whole milliseconds are whole ticks, and so are the samples
 * of 48 kHz sound.
 */
const MOVIE_TIMESCALE = 48_000;

/** Seconds from 1904, where ISO/IEC 14496-12 counts from, to 1970. */
const SECONDS_1904_TO_1970 = 2_082_844_800;

const MAX_U32 = 0xffffffff;

/** Rows of the unity matrix, 16.16 and 2.30 fixed point. */
const UNITY_MATRIX = u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000);

/** The header of a progressive file: `ftyp`, `moov` and the header of the `mdat` that the media fill. */
export function movieHeader(
  tracks: readonly ShownTrack[],
  { chunkOffsets, lengthBytes }: MediaLayout,
  startMs: EpochMs,
): Uint8Array {
  const tables = tracks.map(({ media }) => sampleTable(media));
  const front = (mediaAt: number, wide: boolean): NewBox[] => [
    fileTypeBox(tracks),
    movieBox(tracks, startMs, (i) => [...tables[i]!, chunkOffsetBox(chunkOffsets[i]!, mediaAt, wide)]),
  ];
  // Offsets depend on the length of the boxes that hold them, but that length only on how wide they are.
  const frontBytes = (wide: boolean): number =>
    front(0, wide).reduce((sum, part) => sum + boxSize(part), wide ? 16 : 8);
  const wide = frontBytes(false) + lengthBytes > MAX_U32;
  const mediaAt = frontBytes(wide);
  const mdat = wide ? [u32(1), ascii('mdat'), u64(16 + lengthBytes)] : [u32(8 + lengthBytes), ascii('mdat')];
  const header = new Uint8Array(mediaAt);
  let at = 0;
  for (const part of [...front(mediaAt, wide).map(boxBytes), ...mdat]) {
    header.set(part, at);
    at += part.length;
  }
  return header;
}

function fileTypeBox(tracks: readonly ShownTrack[]): NewBox {
  const brands = ['isom', 'iso2', 'mp41'];
  if (tracks.some(({ media }) => media.track.codec.startsWith('avc'))) brands.push('avc1');
  return box('ftyp', ascii('isom'), u32(512), ascii(brands.join('')));
}

function movieBox(
  tracks: readonly ShownTrack[],
  startMs: EpochMs,
  tablesOf: (index: number) => NewBox[],
): NewBox {
  const durations = tracks.map(presentedFor);
  return box(
    'moov',
    timedBox('mvhd', startMs, {
      before: [u32(MOVIE_TIMESCALE)],
      duration: Math.max(...durations),
      after: [
        u32(0x10000), // rate 1.0
        u16(0x100, 0), // volume 1.0, reserved
        u32(0, 0), // reserved
        UNITY_MATRIX,
        u32(0, 0, 0, 0, 0, 0), // pre_defined
        u32(tracks.length + 1), // next_track_ID
      ],
    }),
    ...tracks.map((track, i) => trackBox(track, i, startMs, tablesOf(i))),
  );
}

function trackBox(track: ShownTrack, index: number, startMs: EpochMs, tables: NewBox[]): NewBox {
  const { media } = track;
  const isSound = media.track.kind === 'audio';
  const tkhd = timedBox('tkhd', startMs, {
    flags: 3, // enabled, in movie
    before: [u32(index + 1), u32(0)], // track_ID, reserved
    duration: presentedFor(track),
    after: [
      u32(0, 0), // reserved
      u16(0, isSound ? 1 : 0), // layer, alternate_group
      u16(isSound ? 0x100 : 0, 0), // volume, reserved
      media.track.matrix,
      u32(media.track.displayWidth, media.track.displayHeight),
    ],
  });
  const mdhd = timedBox('mdhd', startMs, {
    before: [u32(media.timescale)],
    duration: media.mediaDuration,
    after: [u16(0x55c4, 0)], // language "und", pre_defined
  });
  const hdlr = box(
    'hdlr',
    versionAndFlags(0, 0),
    u32(0), // pre_defined
    ascii(isSound ? 'soun' : 'vide'),
    u32(0, 0, 0), // reserved
    ascii(isSound ? 'SoundHandler\0' : 'VideoHandler\0'),
  );
  const header = isSound
    ? box('smhd', versionAndFlags(0, 0), u16(0, 0)) // balance, reserved
    : box('vmhd', versionAndFlags(0, 1), u16(0, 0, 0, 0)); // graphicsmode, opcolor
  const selfContained = box('url ', versionAndFlags(0, 1));
  const dinf = box('dinf', box('dref', versionAndFlags(0, 0), u32(1), selfContained));
  const minf = box('minf', header, dinf, box('stbl', ...tables));
  return box('trak', tkhd, editListBox(track), box('mdia', mdhd, hdlr, minf));
}

/**
 * Hides what stands in front of the start and, where a track begins later than the movie, shows nothing until then
 * (ISO/IEC 14496-12 section 8.6.6).
 */
function editListBox({ media, startTicks, endTicks }: ShownTrack): NewBox {
  const { timescale, firstShown, firstDecode } = media;
  const from = Math.max(startTicks, firstShown);
  const edits = [{ durationTicks: inMovie(endTicks - from, timescale), mediaTime: from - firstDecode }];
  if (from > startTicks)
    edits.unshift({ durationTicks: inMovie(from - startTicks, timescale), mediaTime: -1 });
  const wide = edits.some(
    ({ durationTicks, mediaTime }) => durationTicks > MAX_U32 || mediaTime > 0x7fffffff,
  );
  const entries = edits.flatMap(({ durationTicks, mediaTime }) => [
    wide ? u64(durationTicks, mediaTime) : u32(durationTicks, mediaTime),
    u16(1, 0), // media_rate 1.0
  ]);
  return box('edts', box('elst', versionAndFlags(wide ? 1 : 0, 0), u32(edits.length), ...entries));
}

interface TimedFields {
  readonly flags?: number;
  readonly before: readonly Uint8Array[];
  readonly duration: number;
  readonly after: readonly Uint8Array[];
}

/** `mvhd`, `tkhd` and `mdhd` begin alike: when made, when changed, something, a duration. */
function timedBox(
  type: string,
  startMs: EpochMs,
  { flags = 0, before, duration, after }: TimedFields,
): NewBox {
  const created = Math.floor(startMs / 1000) + SECONDS_1904_TO_1970;
  const wide = created > MAX_U32 || duration > MAX_U32;
  const number = wide ? u64 : u32;
  return box(
    type,
    versionAndFlags(wide ? 1 : 0, flags),
    number(created, created),
    ...before,
    number(duration),
    ...after,
  );
}

/** Length of a track's presentation, its wait included, in ticks of the movie. */
function presentedFor({ media, startTicks, endTicks }: ShownTrack): number {
  return inMovie(endTicks - startTicks, media.timescale);
}

function inMovie(ticks: number, timescale: number): number {
  return Math.round((ticks * MOVIE_TIMESCALE) / timescale);
}
