import type { MovieFragment } from './movie-fragment.js';
import { SampleCursor } from './sample-cursor.js';
import type { Track } from './track.js';

/** No NAL unit ends in so many zero bytes: its last byte is never zero, and runs inside it are broken up by 3s. */
const ZEROS_OF_A_HOLE = 16;

/**
 * Whether the media of a fragment seem to have reached the disk. After a power cut a file can have its full length
 * and zeros where blocks were never written; boxes in front of the zeros look whole. This sees zeros that cover a
 * sample or reach to its end; it is no proof, which only a hash can give. Uncompressed sound may be all zeros and is
 * not judged.
 *
 * @param bytes the whole fragment that `fragment` was parsed from
 */
export function looksWritten(bytes: Uint8Array, fragment: MovieFragment): boolean {
  return fragment.tracks.every((part) => {
    const looksWhole = sampleCheck(part.track);
    if (!looksWhole) return true;
    const cursor = new SampleCursor(part);
    while (cursor.next()) {
      if (!looksWhole(bytes.subarray(cursor.offset, cursor.offset + cursor.sizeBytes))) return false;
    }
    return true;
  });
}

function sampleCheck(track: Track): ((sample: Uint8Array) => boolean) | undefined {
  const { nalLengthBytes } = track;
  if (nalLengthBytes !== undefined)
    return (sample) => nalLengthsTile(sample, nalLengthBytes) && !endsInZeros(sample, ZEROS_OF_A_HOLE);
  return track.codec.startsWith('mp4a') ? (sample) => !endsInZeros(sample, sample.length) : undefined;
}

/** Whether the lengths before the NAL units lead from the first byte of a sample exactly to its end. */
function nalLengthsTile(sample: Uint8Array, lengthBytes: number): boolean {
  let at = 0;
  while (at + lengthBytes <= sample.length) {
    let length = 0;
    for (let i = 0; i < lengthBytes; i++) length = length * 256 + sample[at + i]!;
    if (length === 0) return false;
    at += lengthBytes + length;
  }
  return at === sample.length;
}

function endsInZeros(sample: Uint8Array, count: number): boolean {
  if (sample.length === 0) return false;
  return sample.subarray(Math.max(0, sample.length - count)).every((byte) => byte === 0);
}
