import type { Box } from './box.js';
import { topLevelBoxes } from './box.js';
import { parseElementaryStream } from './audio-config.js';
import { sampleEntryChildren } from './sample-entry.js';
import type { Track } from './track.js';

/**
 * Whether a decoder that is set up for one track can go on with the samples of the other. Compared are the sample
 * entries byte for byte, but for what muxers write into them as statistics of the first fragments: bit rates in `btrt`
 * and `esds`, which differ from run to run. `hev1` is the same as `hvc1`, which it is renamed to.
 */
export function sameConfiguration(a: Track, b: Track): boolean {
  if (a === b) return true;
  if (a.kind !== b.kind) return false;
  const [one, other] = [essence(a), essence(b)];
  return one.length === other.length && one.every((part, i) => equal(part, other[i]!));
}

/** A track's sample entry without statistics, in parts. */
function essence(track: Track): Uint8Array[] {
  const [entry] = topLevelBoxes(track.sampleEntry);
  if (!entry) return [];
  const parts: Uint8Array[] = [new TextEncoder().encode(entry.type === 'hev1' ? 'hvc1' : entry.type)];
  let fieldsEnd = entry.bytes.length;
  for (const child of sampleEntryChildren(entry, track.kind)) {
    fieldsEnd = Math.min(fieldsEnd, child.at);
    if (child.type === 'btrt') continue;
    parts.push(...(child.type === 'esds' ? withoutStatistics(child) : [child.bytes]));
  }
  // Fields without the header, whose size counts the statistics.
  parts.push(entry.bytes.subarray(8, fieldsEnd));
  return parts;
}

function withoutStatistics(esds: Box): Uint8Array[] {
  const stream = parseElementaryStream(esds);
  if (!stream) return [esds.bytes];
  const { statisticsOffset, statisticsBytes } = stream;
  return [esds.body.subarray(0, statisticsOffset), esds.body.subarray(statisticsOffset + statisticsBytes)];
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
