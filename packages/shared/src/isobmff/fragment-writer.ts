import type { NewBox } from './box-writer.js';
import { ascii, box, boxBytes, boxSize, u32, u32Table, u64, versionAndFlags } from './box-writer.js';
import type { SampleTable } from './sample-table.js';

/** Samples `[first, end)` of a table, as one track's part of a new fragment. */
export interface FragmentPart {
  readonly trackId: number;
  readonly table: SampleTable;
  readonly first: number;
  readonly end: number;
  /** Decode time of the first of them in the new file. */
  readonly startTicks: number;
}

/** `sample_flags` (ISO/IEC 14496-12 section 8.8.3.1): depends on no other sample; depends on others, and is no sync sample. */
const SYNC_FLAGS = 0x02000000;
const OTHER_FLAGS = 0x01010000;

const DEFAULT_BASE_IS_MOOF = 0x20000;
const DATA_OFFSET = 0x1;
const ROW_DURATION = 0x100;
const ROW_SIZE = 0x200;
const ROW_FLAGS = 0x400;
const ROW_COMPOSITION = 0x800;

/**
 * What stands in front of the media of a fragment: the `moof` and the header of the `mdat`, in which the samples of the
 * parts follow one after the other. The same samples always give the same bytes.
 */
export function fragmentHeader(number: number, parts: readonly FragmentPart[]): Uint8Array {
  const make = (dataOffsets: readonly number[]): NewBox =>
    box(
      'moof',
      box('mfhd', versionAndFlags(0, 0), u32(number)),
      ...parts.map((part, i) => trackFragment(part, dataOffsets[i]!)),
    );
  const lengths = parts.map(partBytes);
  let offset = boxSize(make(lengths.map(() => 0))) + MDAT_HEADER_BYTES;
  const dataOffsets = lengths.map((length) => {
    const at = offset;
    offset += length;
    return at;
  });
  const moof = boxBytes(make(dataOffsets));
  const header = new Uint8Array(moof.length + MDAT_HEADER_BYTES);
  header.set(moof);
  header.set(u32(MDAT_HEADER_BYTES + lengths.reduce((sum, length) => sum + length, 0)), moof.length);
  header.set(ascii('mdat'), moof.length + 4);
  return header;
}

const MDAT_HEADER_BYTES = 8;

function trackFragment({ trackId, table, first, end, startTicks }: FragmentPart, dataOffset: number): NewBox {
  const composed = table.compositionTicks.subarray(first, end).some((ticks) => ticks !== 0);
  const allSync = table.sync.subarray(first, end).every((sync) => sync === 1);
  const columns = ROW_DURATION | ROW_SIZE | (allSync ? 0 : ROW_FLAGS) | (composed ? ROW_COMPOSITION : 0);
  const rows: number[] = [];
  for (let i = first; i < end; i++) {
    rows.push(table.durationTicks[i]!, table.sizeBytes[i]!);
    if (!allSync) rows.push(table.sync[i] === 1 ? SYNC_FLAGS : OTHER_FLAGS);
    if (composed) rows.push(table.compositionTicks[i]!);
  }
  return box(
    'traf',
    box('tfhd', versionAndFlags(0, DEFAULT_BASE_IS_MOOF), u32(trackId)),
    box('tfdt', versionAndFlags(1, 0), u64(startTicks)),
    // Version 1: composition offsets are signed.
    box('trun', versionAndFlags(1, DATA_OFFSET | columns), u32(end - first, dataOffset), u32Table(rows)),
  );
}

function partBytes({ table, first, end }: FragmentPart): number {
  let sum = 0;
  for (let i = first; i < end; i++) sum += table.sizeBytes[i]!;
  return sum;
}
