import type { Box } from './box.js';
import { Fields } from './fields.js';
import { twoDigits } from './codec-string.js';

/** What an `esds` says (ISO/IEC 14496-14 section 5.6, descriptors of ISO/IEC 14496-1 section 7.2.6). */
export interface ElementaryStream {
  /** `40.2` for AAC-LC, `6b` for MP3: what follows `mp4a.` in RFC 6381. */
  readonly parameters: string;
  /** From AudioSpecificConfig; `undefined` where it does not say. The sample entry's own count is often just 2. */
  readonly channels: number | undefined;
  /** Where in the body of `esds` the buffer size and the two bit rates stand (11 bytes): statistics, not set-up. */
  readonly statisticsOffset: number;
  readonly statisticsBytes: number;
}

const ES_DESCRIPTOR = 0x03;
const DECODER_CONFIG_DESCRIPTOR = 0x04;
const DECODER_SPECIFIC_INFO = 0x05;
const OBJECT_TYPE_MPEG4_AUDIO = 0x40;

/** Reads the chain of descriptors that ffmpeg and others write; throws MP4_INVALID where it is cut off. */
export function parseElementaryStream(esds: Box): ElementaryStream | undefined {
  const fields = new Fields(esds);
  fields.versionAndFlags();
  if (fields.u8() !== ES_DESCRIPTOR) return undefined;
  skipLength(fields);
  fields.skip(2); // ES_ID
  const flags = fields.u8();
  if (flags & 0x80) fields.skip(2); // dependsOn_ES_ID
  if (flags & 0x40) fields.skip(fields.u8()); // URL
  if (flags & 0x20) fields.skip(2); // OCR_ES_ID
  if (fields.u8() !== DECODER_CONFIG_DESCRIPTOR) return undefined;
  skipLength(fields);
  const objectType = fields.u8();
  fields.skip(1); // streamType, upStream
  const statisticsOffset = fields.position;
  const statisticsBytes = 11; // bufferSizeDB 24 bits, maxBitrate 32, avgBitrate 32
  fields.skip(statisticsBytes);
  let parameters = twoDigits(objectType);
  let channels: number | undefined;
  if (
    objectType === OBJECT_TYPE_MPEG4_AUDIO &&
    fields.remaining > 2 &&
    fields.u8() === DECODER_SPECIFIC_INFO
  ) {
    skipLength(fields);
    const config = parseAudioConfig(fields.bytes(Math.min(fields.remaining, 8)));
    if (config.objectType > 0) parameters += `.${config.objectType}`;
    channels = CHANNELS[config.channelConfiguration];
  }
  return { parameters, channels, statisticsOffset, statisticsBytes };
}

/** Descriptor lengths take one to four bytes of seven bits; the descriptors nest, so the lengths are not needed. */
function skipLength(fields: Fields): void {
  for (let i = 0; i < 4; i++) if ((fields.u8() & 0x80) === 0) return;
}

/** Channel counts by channelConfiguration (ISO/IEC 14496-3 table 1.19); 0 means that they are given elsewhere. */
const CHANNELS: readonly (number | undefined)[] = [undefined, 1, 2, 3, 4, 5, 6, 8];

/** The beginning of AudioSpecificConfig (ISO/IEC 14496-3 section 1.6.2.1); bits that are not there read as 0. */
function parseAudioConfig(bytes: Uint8Array): { objectType: number; channelConfiguration: number } {
  let at = 0;
  const bits = (count: number): number => {
    let value = 0;
    for (let i = 0; i < count; i++, at++) value = value * 2 + (((bytes[at >> 3] ?? 0) >> (7 - (at & 7))) & 1);
    return value;
  };
  let objectType = bits(5);
  if (objectType === 31) objectType = 32 + bits(6);
  if (bits(4) === 15) bits(24); // samplingFrequencyIndex, samplingFrequency
  return { objectType, channelConfiguration: bits(4) };
}
