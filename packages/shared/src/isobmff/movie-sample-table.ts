import { withHvc1Entry } from './apple-hevc.js';
import type { NewBox } from './box-writer.js';
import { box, u16, u32, u32Table, u64Table, versionAndFlags } from './box-writer.js';
import type { MovieTrack } from './movie-track.js';

/** The boxes of `stbl` but for the chunk offsets, which depend on how long these are. */
export function sampleTable(track: MovieTrack): NewBox[] {
  const durations = track.durations.pairs();
  const sizes = track.sizes.values();
  return [
    box('stsd', versionAndFlags(0, 0), u32(1), sampleEntry(track)),
    box('stts', versionAndFlags(0, 0), u32(durations.length / 2), u32Table(durations)),
    ...syncSamples(track),
    ...compositionOffsets(track),
    samplesToChunks(track),
    box('stsz', versionAndFlags(0, 0), u32(0), u32(sizes.length), u32Table(sizes)),
  ];
}

/**
 * Where each chunk begins in the file.
 *
 * @param wide whether offsets need 64 bits
 */
export function chunkOffsetBox(offsets: Float64Array, mediaAt: number, wide: boolean): NewBox {
  const absolute = offsets.map((offset) => mediaAt + offset);
  const table = wide ? u64Table(absolute) : u32Table(absolute);
  return box(wide ? 'co64' : 'stco', versionAndFlags(0, 0), u32(offsets.length), table);
}

/** The sample entry of the first segment, pointed at the only data reference. */
function sampleEntry({ track }: MovieTrack): Uint8Array {
  const entry = withHvc1Entry(track.sampleEntry).slice();
  entry.set(u16(1), 14); // data_reference_index, behind the header and six reserved bytes
  return entry;
}

/** Left out where every sample is a sync sample, as with sound. */
function syncSamples({ sampleCount, syncNumbers }: MovieTrack): NewBox[] {
  const numbers = syncNumbers.values();
  if (numbers.length === sampleCount) return [];
  return [box('stss', versionAndFlags(0, 0), u32(numbers.length), u32Table(numbers))];
}

function compositionOffsets({ compositionVersion, compositions }: MovieTrack): NewBox[] {
  if (compositionVersion === undefined) return [];
  const pairs = compositions.pairs();
  return [box('ctts', versionAndFlags(compositionVersion, 0), u32(pairs.length / 2), u32Table(pairs))];
}

/** An entry for every chunk that has another count of samples than the one before it. */
function samplesToChunks({ chunks }: MovieTrack): NewBox {
  const entries: number[] = [];
  let samplesPerChunk = 0;
  chunks.forEach(({ sampleCount }, i) => {
    if (sampleCount === samplesPerChunk) return;
    samplesPerChunk = sampleCount;
    entries.push(i + 1, sampleCount, 1); // first_chunk, samples_per_chunk, sample_description_index
  });
  return box('stsc', versionAndFlags(0, 0), u32(entries.length / 3), u32Table(entries));
}
