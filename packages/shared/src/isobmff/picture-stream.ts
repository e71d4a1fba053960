import type { NewBox } from './box-writer.js';
import { ascii, box, boxBytes, boxSize, u16, u32, versionAndFlags } from './box-writer.js';
import { decodeOrderOf } from './decode-order.js';
import type { Track } from './track.js';

/**
 * Single pictures for a decoder, as a fragmented MP4 with one sync sample a fragment. The decoder takes it for a slide
 * show; its times mean nothing.
 */
export interface PictureStream {
  /** What the decoder is set up with: `ftyp` and `moov`. Tracks with the same are decoded alike. */
  readonly init: Uint8Array;
  /**
   * The fragment that brings a sync sample, in parts to be written one after the other.
   *
   * @param number of the fragment, counted from 1
   */
  fragment(sample: Uint8Array, number: number): Uint8Array[];
  /**
   * Whether the decoder hands the picture over before another follows it, and can go on after it. Else the stream is good
   * for this one picture, which comes out when the stream ends.
   */
  isPrompt(sample: Uint8Array): boolean;
}

const TRACK_ID = 1;
const TIMESCALE = 1_000;
const SAMPLE_TICKS = 1_000;

/** `default_base_moof` of `tfhd`; offset, duration, size and flags of `trun` (ISO/IEC 14496-12 sections 8.8.7, 8.8.8). */
const BASE_IS_MOOF = 0x20000;
const ROW_OF_EACH = 0x1 | 0x100 | 0x200 | 0x400;
/** `sample_depends_on`: on no other. */
const SYNC = 0x2000000;

/** The stream by which pictures of a track are decoded. */
export function pictureStream(track: Track): PictureStream {
  const order = decodeOrderOf(track);
  return {
    init: initOf(track, order?.sampleEntry ?? track.sampleEntry),
    fragment: (sample, number) => fragmentOf(order?.rewritten(sample) ?? [sample], number),
    isPrompt: (sample) => order?.standsAlone(sample) ?? false,
  };
}

function fragmentOf(media: readonly Uint8Array[], number: number): Uint8Array[] {
  const sizeBytes = media.reduce((sum, part) => sum + part.length, 0);
  const moof = (mediaAt: number): NewBox =>
    box(
      'moof',
      box('mfhd', versionAndFlags(0, 0), u32(number)),
      box(
        'traf',
        box('tfhd', versionAndFlags(0, BASE_IS_MOOF), u32(TRACK_ID)),
        box('tfdt', versionAndFlags(0, 0), u32((number - 1) * SAMPLE_TICKS)),
        box('trun', versionAndFlags(0, ROW_OF_EACH), u32(1, mediaAt, SAMPLE_TICKS, sizeBytes, SYNC)),
      ),
    );
  const mediaAt = boxSize(moof(0)) + 8;
  return [boxBytes(moof(mediaAt)), u32(8 + sizeBytes), ascii('mdat'), ...media];
}

function initOf(track: Track, sampleEntry: Uint8Array): Uint8Array {
  const entry = sampleEntry.slice();
  entry.set(u16(1), 14); // data_reference_index, behind the header and six reserved bytes
  const none = (type: string): NewBox => box(type, versionAndFlags(0, 0), u32(0));
  const stbl = box(
    'stbl',
    box('stsd', versionAndFlags(0, 0), u32(1), entry),
    ...['stts', 'stsc', 'stco'].map(none),
    box('stsz', versionAndFlags(0, 0), u32(0, 0)),
  );
  const dref = box('dref', versionAndFlags(0, 0), u32(1), box('url ', versionAndFlags(0, 1)));
  const vmhd = box('vmhd', versionAndFlags(0, 1), u16(0, 0, 0, 0));
  const hdlr = box(
    'hdlr',
    versionAndFlags(0, 0),
    u32(0),
    ascii('vide'),
    u32(0, 0, 0),
    ascii('VideoHandler\0'),
  );
  const mdhd = box('mdhd', versionAndFlags(0, 0), u32(0, 0, TIMESCALE, 0), u16(0x55c4, 0)); // language "und"
  const mdia = box('mdia', mdhd, hdlr, box('minf', vmhd, box('dinf', dref), stbl));
  const tkhd = box(
    'tkhd',
    versionAndFlags(0, 3), // enabled, in movie
    u32(0, 0, TRACK_ID, 0, 0, 0, 0), // times, id, reserved, duration, reserved
    u16(0, 0, 0, 0), // layer, group, volume, reserved
    track.matrix,
    u32(track.displayWidth, track.displayHeight),
  );
  const mvhd = box(
    'mvhd',
    versionAndFlags(0, 0),
    u32(0, 0, TIMESCALE, 0, 0x10000), // times, timescale, duration, rate 1.0
    u16(0x100, 0),
    u32(0, 0, 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000), // reserved, unity matrix
    u32(0, 0, 0, 0, 0, 0, TRACK_ID + 1),
  );
  const mvex = box('mvex', box('trex', versionAndFlags(0, 0), u32(TRACK_ID, 1, 0, 0, 0)));
  const ftyp = box('ftyp', ascii('iso5'), u32(512), ascii('iso5isom'));
  const [front, movie] = [ftyp, box('moov', mvhd, box('trak', tkhd, mdia), mvex)].map(boxBytes);
  const init = new Uint8Array(front!.length + movie!.length);
  init.set(front!);
  init.set(movie!, front!.length);
  return init;
}
