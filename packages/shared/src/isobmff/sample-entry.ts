import { parseElementaryStream } from './audio-config.js';
import type { Box } from './box.js';
import { childrenOf } from './box.js';
import { avcParameters, hevcParameters } from './codec-string.js';
import { Fields } from './fields.js';
import type { Track, TrackKind } from './track.js';

/** What the only entry of a track's `stsd` says. */
export type SampleEntry = Pick<
  Track,
  | 'codec'
  | 'width'
  | 'height'
  | 'channels'
  | 'sampleRate'
  | 'sampleEntry'
  | 'decoderConfiguration'
  | 'nalLengthBytes'
>;

/** Fields of VisualSampleEntry before its boxes (ISO/IEC 14496-12 section 12.1.3). */
export const VISUAL_FIELD_BYTES = 78;

/** Fields of AudioSampleEntry before its boxes (section 12.2.3), and what QuickTime's versions 1 and 2 add. */
const AUDIO_FIELD_BYTES = 28;
const QUICKTIME_EXTRA_BYTES: Readonly<Record<number, number>> = { 1: 16, 2: 36 };

/**
 * Reads a sample entry.
 *
 * @throws MP4_INVALID for one that is cut off
 */
export function parseSampleEntry(entry: Box, kind: TrackKind): SampleEntry {
  if (kind === 'video') return parseVisual(entry);
  if (kind === 'audio') return parseAudio(entry);
  return { ...NOTHING_SAID, codec: entry.type, sampleEntry: entry.bytes };
}

/** The boxes inside a sample entry, which lie behind fields of a length that depends on the kind of track. */
export function* sampleEntryChildren(entry: Box, kind: TrackKind): Generator<Box> {
  if (kind === 'other') return;
  yield* childrenOf(entry, kind === 'video' ? VISUAL_FIELD_BYTES : audioFieldBytes(entry));
}

const NOTHING_SAID = {
  width: undefined,
  height: undefined,
  channels: undefined,
  sampleRate: undefined,
  decoderConfiguration: undefined,
  nalLengthBytes: undefined,
} as const;

function parseVisual(entry: Box): SampleEntry {
  const fields = new Fields(entry);
  fields.skip(24); // reserved 6, data_reference_index 2, pre_defined and reserved 16
  const width = fields.u16();
  const height = fields.u16();
  const said = { ...NOTHING_SAID, codec: entry.type, width, height, sampleEntry: entry.bytes };
  for (const child of sampleEntryChildren(entry, 'video')) {
    if (child.type !== 'avcC' && child.type !== 'hvcC') continue;
    const record = child.body;
    const isAvc = child.type === 'avcC';
    const parameters = isAvc ? avcParameters(record) : hevcParameters(record);
    const lengthSizeMinusOne = record[isAvc ? 4 : 21];
    return {
      ...said,
      codec: parameters === undefined ? entry.type : `${entry.type}.${parameters}`,
      decoderConfiguration: record,
      nalLengthBytes: lengthSizeMinusOne === undefined ? undefined : (lengthSizeMinusOne & 3) + 1,
    };
  }
  return said;
}

function parseAudio(entry: Box): SampleEntry {
  const fields = new Fields(entry);
  fields.skip(16); // reserved 6, data_reference_index 2, version 2, revision 2, vendor 4
  let channels = fields.u16();
  fields.skip(6); // sample size, pre_defined, reserved
  const sampleRate = Math.floor(fields.u32() / 2 ** 16); // 16.16 fixed point
  let codec = entry.type;
  for (const child of sampleEntryChildren(entry, 'audio')) {
    if (child.type !== 'esds') continue;
    const stream = parseElementaryStream(child);
    if (!stream) continue;
    codec = `${entry.type}.${stream.parameters}`;
    channels = stream.channels ?? channels;
  }
  return { ...NOTHING_SAID, codec, channels, sampleRate, sampleEntry: entry.bytes };
}

function audioFieldBytes(entry: Box): number {
  const fields = new Fields(entry);
  fields.skip(8); // reserved 6, data_reference_index 2
  const version = fields.u16();
  return AUDIO_FIELD_BYTES + (QUICKTIME_EXTRA_BYTES[version] ?? 0);
}
