// What is known of boxes where offsets are concerned. The reference is ISO/IEC 14496-12 (2022), with 14496-14 and -15, 23001-7
// for encryption, the QuickTime File Format, and for cameras what their makers' files show.

/** Boxes that hold boxes, by what they lie in; how many bytes of fields stand in front of the first one. */
const CONTAINERS: Readonly<Record<string, number>> = {
  ...{ 'file/moov': 0, 'file/moof': 0, 'file/mfra': 0, 'file/meta': 4 },
  ...{ 'moov/trak': 0, 'moov/mvex': 0, 'moov/udta': 0, 'moov/meta': 4 },
  ...{ 'trak/mdia': 0, 'trak/edts': 0, 'trak/udta': 0, 'trak/meta': 4, 'trak/tref': 0 },
  ...{ 'mdia/minf': 0, 'minf/dinf': 0, 'minf/stbl': 0, 'minf/gmhd': 0 },
  ...{ 'udta/meta': 4, 'meta/ilst': 0, 'meta/dinf': 0, 'moof/traf': 0, 'moof/meta': 4, 'traf/meta': 4 },
  ...{ 'stsd/avc1': 78, 'stsd/avc3': 78, 'stsd/hvc1': 78, 'stsd/hev1': 78, 'stsd/mp4v': 78, 'stsd/encv': 78 },
};

/**
 * How many bytes of fields stand in front of the boxes in a box; `undefined` for one that is not looked into. Neither are
 * those in which boxes are counted (`dref`, `ipco`, `iinf`): taking one out would change the numbers of the others.
 */
export function fieldBytes(parent: string, type: string): number | undefined {
  return CONTAINERS[`${parent}/${type}`];
}

/** Space that nobody reads (section 8.1.2; `wide` is QuickTime's, room for a 64-bit size). */
export function isPadding(type: string): boolean {
  return type === 'free' || type === 'skip' || type === 'wide';
}

/** How a box concerns offsets. */
export type Role =
  /** Says nothing about where bytes lie. */
  | 'plain'
  /** Holds samples. */
  | 'media'
  | 'sample-tables'
  | 'fragment'
  | 'data-references'
  | 'movie-extends'
  | 'random-access'
  | 'random-access-size'
  | 'segment-index'
  | 'items'
  | 'camera-index'
  /** Is known to hold offsets, or to stand for bytes, in a way that is not followed. */
  | 'forbidden'
  /** May hold anything. */
  | 'unknown';

const ROLES: Readonly<Record<string, Role>> = {
  'file/mdat': 'media',
  'file/moof': 'fragment',
  'file/sidx': 'segment-index',
  'file/ssix': 'forbidden',
  'minf/stbl': 'sample-tables',
  'dinf/dref': 'data-references',
  'moov/mvex': 'movie-extends',
  'mfra/tfra': 'random-access',
  'mfra/mfro': 'random-access-size',
  'meta/iloc': 'items',
  'moov/gps ': 'camera-index',
  // QuickTime: a moov in compressed form, and a movie that is only a list of other files.
  'moov/cmov': 'forbidden',
  'moov/rmra': 'forbidden',
};

/** Handled together with the box that they lie in. */
const HANDLED = new Set(['stbl/stco', 'stbl/co64', 'stbl/saio', 'traf/tfhd', 'traf/trun', 'traf/saio']);

/** Boxes without offsets in the file, wherever they lie. */
const PLAIN = new Set(
  [
    // file and movie
    'ftyp styp pdin prft emsg mvhd iods mehd trex trep leva mfhd bloc stri',
    // track and media
    'tkhd elst mdhd hdlr elng nmhd vmhd smhd hmhd sthd tapt load imap clip matt kmat gmin text tmcd trgr txas',
    // sample tables
    'stsd stts ctts cslg stss stsh stsz stz2 stsc stdp stps sdtp padb sbgp sgpd subs saiz senc',
    // track fragments
    'tfdt',
    // metadata
    'keys ilst pitm iinf iref ipro iprp idat xml  bxml grpl ID32 mhdr ctry lang',
    // protection
    'sinf schm schi frma tenc pssh cinf',
    // user data: 3GPP, Apple, and the text and thumbnails of cameras
    'titl auth albm yrrc loci cprt dscp gnre perf kywd clsf rtng coll chpl name tagc tsel hnti hinf Xtra',
    'CAME FIRM LENS SETT MUID HMMT BCID GUMI GPMF MANU MODL VERS mtxi thmb smta date WLOC LOOP SelO AllF',
    // in sample entries
    'avcC hvcC lhvC vvcC av1C vpcC esds btrt pasp colr clap fiel gama mdcv clli cclv taic m4ds chrm',
  ]
    .join(' ')
    .match(/\S{4}|xml /g),
);

/** In these, every box is text or numbers that concern nothing but what they lie in. */
const HARMLESS_PLACES = new Set(['ilst', 'tref', 'edts', 'mvex', 'gmhd']);

/** User types of `uuid` boxes without offsets. */
const PLAIN_UUIDS = new Set([
  'be7acfcb97a942e89c71999491e3afac', // XMP: text
  'ffcc8263f8554a938814587a02521fdd', // spherical video: text
  '6d1d9b0542d544e680e2141daff757b2', // PIFF tfxd: times
  'd4807ef2ca3946958e5426cb9e46a79f', // PIFF tfrf: times
  'a2394f525a9b4f14a2446c427c648df4', // PIFF sample encryption
  'd08a4f1810f34a82b6c832d8aba183d3', // PIFF protection header
  '8974dbce7be74c5184f97148f9882554', // PIFF track encryption
  'cfa0ad8c36f540f0a5e0b7f19efe39f6', // the identity of a Gapless segment
]);

/** The seal of a Gapless segment is a signature over every byte in front of it. */
const SEAL = 'e32e8b0a25ad4ca4b39d4d3463319e55';

/**
 * What a box is, as far as offsets are concerned.
 *
 * @param parent type of the box that it lies in; `file` for none
 */
export function roleOf(parent: string, type: string, userType: string | undefined): Role {
  const key = `${parent}/${type}`;
  if (userType === SEAL) return 'forbidden';
  if (userType !== undefined) return PLAIN_UUIDS.has(userType) ? 'plain' : 'unknown';
  const role = ROLES[key];
  if (role !== undefined) return role;
  const isText = type.startsWith('\u00a9'); // QuickTime's text tags
  const isPlain =
    PLAIN.has(type) || HANDLED.has(key) || HARMLESS_PLACES.has(parent) || (parent === 'udta' && isText);
  return isPlain || CONTAINERS[key] !== undefined ? 'plain' : 'unknown';
}
