import type { Box } from './box.js';
import { findChild, requireChild } from './box.js';
import { Fields } from './fields.js';
import { mp4Invalid, mp4TooLarge, mp4Unsupported } from './mp4-error.js';
import type { SampleTable } from './sample-table.js';

/**
 * The samples that a `stbl` lists (ISO/IEC 14496-12 sections 8.6 and 8.7); offsets count from the start of the file. An
 * empty table for one whose samples all lie in fragments.
 *
 * @throws MP4_INVALID where its tables do not fit together, MP4_TOO_LARGE for more than `maxSamples`
 */
export function samplesListed(stbl: Box, maxSamples: number): SampleTable {
  const sizeBytes = sizesOf(stbl, maxSamples);
  const count = sizeBytes.length;
  const { decodeTicks, durationTicks } = timesOf(stbl, count);
  return {
    count,
    decodeTicks,
    durationTicks,
    compositionTicks: compositionOf(stbl, count),
    sizeBytes,
    offset: offsetsOf(stbl, sizeBytes),
    sync: syncOf(stbl, count),
  };
}

/** Whether a `stbl` lists any samples. */
export function hasListedSamples(stbl: Box): boolean {
  const stsz = findChild(stbl, 'stsz');
  if (!stsz) return false;
  const fields = table(stsz);
  fields.skip(4); // sample_size
  return fields.u32() > 0;
}

function sizesOf(stbl: Box, maxSamples: number): Uint32Array {
  const stsz = findChild(stbl, 'stsz');
  if (!stsz) {
    if (findChild(stbl, 'stz2')) throw mp4Unsupported('stz2', stbl.at, 'has compact sample sizes');
    return new Uint32Array(0);
  }
  const fields = table(stsz);
  const common = fields.u32();
  const count = fields.u32();
  if (count > maxSamples)
    throw mp4TooLarge('stsz', stsz.at, `has ${count} samples where ${maxSamples} are accepted`);
  if (common !== 0) return new Uint32Array(count).fill(common);
  const rows = rowsOf(fields, count, 4);
  return Uint32Array.from({ length: count }, (_, i) => rows.getUint32(4 * i));
}

function timesOf(stbl: Box, count: number): Pick<SampleTable, 'decodeTicks' | 'durationTicks'> {
  const decodeTicks = new Float64Array(count);
  const durationTicks = new Uint32Array(count);
  if (count === 0) return { decodeTicks, durationTicks };
  const stts = requireChild(stbl, 'stts');
  let at = 0;
  let ticks = 0;
  for (const [samples, duration] of pairsOf(stts)) {
    for (const end = Math.min(count, at + samples); at < end; at++) {
      decodeTicks[at] = ticks;
      durationTicks[at] = duration;
      ticks += duration;
    }
  }
  if (at < count) throw mp4Invalid('stts', stts.at, `speaks of ${at} samples, stsz of ${count}`);
  return { decodeTicks, durationTicks };
}

function compositionOf(stbl: Box, count: number): Int32Array {
  const composition = new Int32Array(count);
  const ctts = findChild(stbl, 'ctts');
  if (!ctts) return composition;
  let at = 0;
  for (const [samples, offset] of pairsOf(ctts)) {
    // Version 0 calls the offset unsigned, yet one of 2^31 ticks or more is a negative one from an older muxer.
    const end = Math.min(count, at + samples);
    composition.fill(offset | 0, at, end);
    at = end;
  }
  return composition;
}

/** Without the table every sample is a sync sample (section 8.6.2). */
function syncOf(stbl: Box, count: number): Uint8Array {
  const stss = findChild(stbl, 'stss');
  if (!stss) return new Uint8Array(count).fill(1);
  const sync = new Uint8Array(count);
  const fields = table(stss);
  const entries = fields.u32();
  const rows = rowsOf(fields, entries, 4);
  for (let i = 0; i < entries; i++) {
    const number = rows.getUint32(4 * i);
    if (number >= 1 && number <= count) sync[number - 1] = 1;
  }
  return sync;
}

function offsetsOf(stbl: Box, sizeBytes: Uint32Array): Float64Array {
  const count = sizeBytes.length;
  const offsets = new Float64Array(count);
  if (count === 0) return offsets;
  const chunks = chunkOffsets(stbl);
  const stsc = requireChild(stbl, 'stsc');
  const fields = table(stsc);
  const entries = fields.u32();
  const rows = rowsOf(fields, entries, 12);
  let at = 0;
  for (let entry = 0; entry < entries && at < count; entry++) {
    const first = rows.getUint32(12 * entry);
    const samples = rows.getUint32(12 * entry + 4);
    if (rows.getUint32(12 * entry + 8) !== 1)
      throw mp4Unsupported('stsc', stsc.at, 'changes the sample description inside the file');
    const next = entry + 1 < entries ? rows.getUint32(12 * (entry + 1)) : chunks.length + 1;
    if (first < 1 || next <= first || samples === 0)
      throw mp4Invalid('stsc', stsc.at, 'does not lead from chunk to chunk');
    for (let chunk = first; chunk < Math.min(next, chunks.length + 1) && at < count; chunk++) {
      let offset = chunks[chunk - 1]!;
      for (const end = Math.min(count, at + samples); at < end; at++) {
        offsets[at] = offset;
        offset += sizeBytes[at]!;
      }
    }
  }
  if (at < count) throw mp4Invalid('stsc', stsc.at, `places ${at} samples, stsz has ${count}`);
  return offsets;
}

function chunkOffsets(stbl: Box): Float64Array {
  const stco = findChild(stbl, 'stco');
  const box = stco ?? requireChild(stbl, 'co64');
  const fields = table(box);
  const count = fields.u32();
  if (stco) {
    const rows = rowsOf(fields, count, 4);
    return Float64Array.from({ length: count }, (_, i) => rows.getUint32(4 * i));
  }
  const rows = rowsOf(fields, count, 8);
  return Float64Array.from({ length: count }, (_, i) => Number(rows.getBigUint64(8 * i)));
}

/** Rows of a count and a value, as `stts` and `ctts` have them. */
function* pairsOf(box: Box): Generator<readonly [number, number]> {
  const fields = table(box);
  const entries = fields.u32();
  const rows = rowsOf(fields, entries, 8);
  for (let i = 0; i < entries; i++) yield [rows.getUint32(8 * i), rows.getUint32(8 * i + 4)];
}

function table(box: Box): Fields {
  const fields = new Fields(box);
  fields.versionAndFlags();
  return fields;
}

/** The bytes bound the count, so nothing is reserved for rows that are not there. */
function rowsOf(fields: Fields, count: number, rowBytes: number): DataView {
  const bytes = fields.bytes(count * rowBytes);
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
