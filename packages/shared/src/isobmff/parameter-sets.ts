import type { Track } from './track.js';

/** NAL unit types that carry parameter sets, and those that carry pictures, behind which no set applies any more. */
interface NalTypes {
  typeOf(firstByte: number): number;
  isParameterSet(type: number): boolean;
  isPicture(type: number): boolean;
  /** The parameter sets in a configuration record. */
  configured(record: Uint8Array): Uint8Array[];
}

/** Rec. ITU-T H.264 table 7-1. */
const H264: NalTypes = {
  typeOf: (firstByte) => firstByte & 0x1f,
  isParameterSet: (type) => type === 7 || type === 8, // SPS, PPS
  isPicture: (type) => type >= 1 && type <= 5,
  configured: avcSets,
};

/** Rec. ITU-T H.265 table 7-1. */
const H265: NalTypes = {
  typeOf: (firstByte) => (firstByte >> 1) & 0x3f,
  isParameterSet: (type) => type >= 32 && type <= 34, // VPS, SPS, PPS
  isPicture: (type) => type < 32,
  configured: hevcSets,
};

/** Bound on the NAL units looked at before the first picture; cameras send fewer than ten. */
const MAX_NALS = 64;

/**
 * Whether a sync sample brings parameter sets that the track's configuration does not have. The camera has then
 * changed its encoding (size, profile), and a decoder set up from the init segment would show garbage. Most cameras
 * repeat the sets they began with, which is no change. NAL units that make no sense are passed over.
 *
 * @param sample one sample as it lies in the `mdat`: NAL units, each after its length
 */
export function parameterSetsChanged(
  track: Pick<Track, 'codec' | 'decoderConfiguration' | 'nalLengthBytes'>,
  sample: Uint8Array,
): boolean {
  const { decoderConfiguration: record, nalLengthBytes } = track;
  const nalTypes = nalTypesOf(track.codec);
  if (!nalTypes || !record || nalLengthBytes === undefined) return false;
  let configured: Uint8Array[] | undefined;
  let looked = 0;
  for (const nal of nalUnits(sample, nalLengthBytes)) {
    const type = nalTypes.typeOf(nal[0]!);
    if (nalTypes.isPicture(type) || looked++ === MAX_NALS) return false;
    if (!nalTypes.isParameterSet(type)) continue;
    configured ??= nalTypes.configured(record);
    if (!configured.some((set) => sameSet(set, nal))) return true;
  }
  return false;
}

/** The NAL units of a sample, none of them empty; stops where a length leads beyond the sample. */
export function* nalUnits(sample: Uint8Array, lengthBytes: number): Generator<Uint8Array> {
  for (let at = 0; at + lengthBytes <= sample.length;) {
    let length = 0;
    for (let i = 0; i < lengthBytes; i++) length = length * 256 + sample[at + i]!;
    at += lengthBytes;
    if (at + length > sample.length) return;
    if (length > 0) yield sample.subarray(at, at + length);
    at += length;
  }
}

function nalTypesOf(codec: string): NalTypes | undefined {
  if (codec.startsWith('avc')) return H264;
  return codec.startsWith('hvc') || codec.startsWith('hev') ? H265 : undefined;
}

/** `avcC`: counted SPS, then counted PPS, each after a 16-bit length (ISO/IEC 14496-15 section 5.3.3.1). */
function avcSets(record: Uint8Array): Uint8Array[] {
  const sets: Uint8Array[] = [];
  const at = takeSets(record, { at: 6, count: (record[5] ?? 0) & 0x1f }, sets);
  takeSets(record, { at: at + 1, count: record[at] ?? 0 }, sets);
  return sets;
}

/** `hvcC`: arrays by type, each a type byte, a 16-bit count and the units (ISO/IEC 14496-15 section 8.3.3.1). */
function hevcSets(record: Uint8Array): Uint8Array[] {
  const sets: Uint8Array[] = [];
  const arrays = record[22] ?? 0;
  let at = 23;
  for (let i = 0; i < arrays; i++) at = takeSets(record, { at: at + 3, count: u16At(record, at + 1) }, sets);
  return sets;
}

/** Takes `count` units, each after a 16-bit length, as far as the record goes; returns where they end. */
function takeSets(record: Uint8Array, from: { at: number; count: number }, into: Uint8Array[]): number {
  let { at } = from;
  for (let i = 0; i < from.count && at + 2 <= record.length; i++) {
    const length = u16At(record, at);
    into.push(record.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return at;
}

function u16At(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);
}

/** Equal but for zero bytes at the end, which some muxers leave from the start code behind the unit. */
function sameSet(a: Uint8Array, b: Uint8Array): boolean {
  const length = lengthWithoutZeros(a);
  if (length !== lengthWithoutZeros(b)) return false;
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function lengthWithoutZeros(bytes: Uint8Array): number {
  let length = bytes.length;
  while (length > 0 && bytes[length - 1] === 0) length--;
  return length;
}
