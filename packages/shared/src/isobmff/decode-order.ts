import { AppError } from '../errors/index.js';
import type { Box } from './box.js';
import { topLevelBoxes } from './box.js';
import type { NewBox } from './box-writer.js';
import { box, boxBytes, u16, u32 } from './box-writer.js';
import { nalUnits } from './parameter-sets.js';
import { sampleEntryChildren, VISUAL_FIELD_BYTES } from './sample-entry.js';
import { avcInDecodeOrder, hevcInDecodeOrder } from './sequence-parameters.js';
import type { Track } from './track.js';

/**
 * How a track is told to a decoder that gets nothing but its sync samples: each is shown as soon as it is decoded, and
 * none has to do with another. See {@link avcInDecodeOrder} for what is changed.
 */
export interface DecodeOrder {
  readonly sampleEntry: Uint8Array;
  /** A sync sample with what it says of itself changed accordingly, in parts. */
  rewritten(sample: Uint8Array): Uint8Array[];
  /**
   * Whether a decoder forgets everything before this sample, so that it may come in any order with others, and makes one
   * picture of it.
   */
  standsAlone(sample: Uint8Array): boolean;
}

/** What differs between the two codecs whose pictures can be shown in another order than they are decoded in. */
interface Codec {
  readonly box: 'avcC' | 'hvcC';
  typeOf(firstByte: number): number;
  readonly sequenceSet: number;
  inDecodeOrder(nal: Uint8Array): Uint8Array;
  withSets(record: Uint8Array, change: (nal: Uint8Array) => Uint8Array): Uint8Array;
  isPicture(type: number): boolean;
  /** Pictures that begin anew, whatever came before. */
  beginsAnew(type: number): boolean;
  /** The byte whose highest bit says that a slice is the first of its picture. */
  readonly firstSliceByte: number;
  /** A NAL unit behind the picture after which everything begins anew. */
  readonly end: Uint8Array | undefined;
}

/** Types of NAL units: Rec. ITU-T H.264 table 7-1. */
const H264: Codec = {
  box: 'avcC',
  typeOf: (firstByte) => firstByte & 0x1f,
  sequenceSet: 7,
  inDecodeOrder: avcInDecodeOrder,
  withSets: avcRecord,
  isPicture: (type) => type >= 1 && type <= 5,
  // An I picture of an open GOP counts on from the pictures before it.
  beginsAnew: (type) => type === 5,
  firstSliceByte: 1,
  end: undefined,
};

/** Rec. ITU-T H.265 table 7-1. An IRAP picture behind an end of sequence begins anew, be it IDR or CRA. */
const H265: Codec = {
  box: 'hvcC',
  typeOf: (firstByte) => (firstByte >> 1) & 0x3f,
  sequenceSet: 33,
  inDecodeOrder: hevcInDecodeOrder,
  withSets: hevcRecord,
  isPicture: (type) => type < 32,
  beginsAnew: (type) => type >= 16 && type <= 23,
  firstSliceByte: 2,
  end: Uint8Array.of(36 << 1, 1),
};

/**
 * How to tell a decoder of a track's sync samples. `undefined` when that is not known: another codec, or parameter sets
 * that make no sense; the decoder will say what it thinks of them.
 */
export function decodeOrderOf(track: Track): DecodeOrder | undefined {
  const { nalLengthBytes, decoderConfiguration: record } = track;
  const codec = codecOf(track.codec);
  const [entry] = topLevelBoxes(track.sampleEntry);
  if (!codec || !entry || !record || nalLengthBytes === undefined) return undefined;
  try {
    const changed = codec.withSets(record, (nal) => changedSet(codec, nal));
    return {
      sampleEntry: withRecord(entry, box(codec.box, changed)),
      rewritten: (sample) => rewritten(codec, sample, nalLengthBytes),
      standsAlone: (sample) => standsAlone(codec, sample, nalLengthBytes),
    };
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === 'MP4_INVALID') return undefined;
    throw thrown;
  }
}

function codecOf(name: string): Codec | undefined {
  if (name.startsWith('avc')) return H264;
  return name.startsWith('hvc') || name.startsWith('hev') ? H265 : undefined;
}

function changedSet(codec: Codec, nal: Uint8Array): Uint8Array {
  return codec.typeOf(nal[0] ?? 0) === codec.sequenceSet ? codec.inDecodeOrder(nal) : nal;
}

function withRecord(entry: Box, record: NewBox): Uint8Array {
  const children = [...sampleEntryChildren(entry, 'video')].map((child) =>
    child.type === record.type ? record : child.bytes,
  );
  return boxBytes(box(entry.type, entry.body.subarray(0, VISUAL_FIELD_BYTES), ...children));
}

/** Cameras that repeat their parameter sets in band do it in front of each sync sample. */
function rewritten(codec: Codec, sample: Uint8Array, lengthBytes: number): Uint8Array[] {
  const parts: Uint8Array[] = [];
  let kept = 0;
  for (const nal of nalUnits(sample, lengthBytes)) {
    if (codec.typeOf(nal[0]!) !== codec.sequenceSet) continue;
    const at = nal.byteOffset - sample.byteOffset;
    parts.push(sample.subarray(kept, at - lengthBytes), ...sized(codec.inDecodeOrder(nal), lengthBytes));
    kept = at + nal.length;
  }
  parts.push(sample.subarray(kept));
  if (codec.end) parts.push(...sized(codec.end, lengthBytes));
  return parts;
}

/** A sample may hold two fields, each a picture to itself. */
function standsAlone(codec: Codec, sample: Uint8Array, lengthBytes: number): boolean {
  let pictures = 0;
  for (const nal of nalUnits(sample, lengthBytes)) {
    const type = codec.typeOf(nal[0]!);
    if (!codec.isPicture(type)) continue;
    if (!codec.beginsAnew(type)) return false;
    if ((nal[codec.firstSliceByte] ?? 0) & 0x80) pictures++;
  }
  return pictures === 1;
}

function sized(nal: Uint8Array, lengthBytes: number): [Uint8Array, Uint8Array] {
  return [u32(nal.length).subarray(4 - lengthBytes), nal];
}

/** `avcC`: SPS after a count in byte 5; the rest stays as it is (ISO/IEC 14496-15 section 5.3.3.1). */
function avcRecord(record: Uint8Array, change: (nal: Uint8Array) => Uint8Array): Uint8Array {
  const parts = [record.subarray(0, 6)];
  const end = changeSets(record, { at: 6, count: (record[5] ?? 0) & 0x1f, change }, parts);
  return joined([...parts, record.subarray(end)]);
}

/** `hvcC`: arrays by type from byte 23 on, each a type byte, a 16-bit count and the units (section 8.3.3.1). */
function hevcRecord(record: Uint8Array, change: (nal: Uint8Array) => Uint8Array): Uint8Array {
  const parts = [record.subarray(0, 23)];
  let at = 23;
  for (let left = record[22] ?? 0; left > 0; left--) {
    parts.push(record.subarray(at, at + 3));
    at = changeSets(record, { at: at + 3, count: u16At(record, at + 1), change }, parts);
  }
  return joined([...parts, record.subarray(at)]);
}

interface Sets {
  readonly at: number;
  readonly count: number;
  readonly change: (nal: Uint8Array) => Uint8Array;
}

/** Takes `count` units, each after a 16-bit length, changed; returns where they end. */
function changeSets(record: Uint8Array, { at, count, change }: Sets, into: Uint8Array[]): number {
  let next = at;
  for (let i = 0; i < count && next + 2 <= record.length; i++) {
    const length = u16At(record, next);
    const changed = change(record.subarray(next + 2, next + 2 + length));
    into.push(u16(changed.length), changed);
    next += 2 + length;
  }
  return next;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function u16At(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);
}
