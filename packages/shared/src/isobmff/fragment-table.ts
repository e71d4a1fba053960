import { AppError } from '../errors/index.js';
import { VarintReader, VarintWriter } from './varint.js';

/** One fragment of a segment file. */
export interface FragmentEntry {
  /** The fragment's number in its run. */
  readonly number: number;
  /** Where its `moof` begins in the file. */
  readonly offset: number;
  /** Length of `moof` and `mdat`. */
  readonly sizeBytes: number;
  /** Decode time of the first sample of the primary track. */
  readonly startTicks: number;
  /** Sum of the durations of the primary track's samples; 0 when it has none of them. */
  readonly durationTicks: number;
  /** Whether the primary track's first sample here is a sync sample, so that a player can start with it. */
  readonly startsWithSync: boolean;
}

const FORMAT_VERSION = 1;

/** Bound on the fragments of a segment: a day of one-second fragments stays below it. */
export const MAX_FRAGMENTS = 2 ** 17;

/** A row has six numbers of at least one byte, less the sync flag that shares one. */
const MIN_ROW_BYTES = 5;

/**
 * The table as bytes for a database: about eight a fragment. Varints: version, count, then per fragment the
 * differences from what would follow the row before without a hole: number, offset, size and sync, start, duration.
 */
export function encodeFragmentTable(table: readonly FragmentEntry[]): Uint8Array {
  const out = new VarintWriter();
  out.unsigned(FORMAT_VERSION);
  out.unsigned(table.length);
  let next = FIRST;
  for (const entry of table) {
    out.signed(entry.number - next.number);
    out.signed(entry.offset - next.offset);
    // The sync flag is the lowest bit; a size is far below 2^52.
    out.unsigned(entry.sizeBytes * 2 + (entry.startsWithSync ? 1 : 0));
    out.signed(entry.startTicks - next.startTicks);
    out.signed(entry.durationTicks - next.durationTicks);
    next = following(entry);
  }
  return out.bytes();
}

/**
 * Reads what {@link encodeFragmentTable} wrote.
 *
 * @throws MP4_INVALID for bytes that it did not write, MP4_UNSUPPORTED for a later version of the format
 */
export function decodeFragmentTable(bytes: Uint8Array): FragmentEntry[] {
  const input = new VarintReader(bytes);
  const version = input.unsigned();
  if (version !== FORMAT_VERSION)
    throw new AppError(
      'MP4_UNSUPPORTED',
      `a table of fragments has version ${version}; this program knows version ${FORMAT_VERSION}`,
    );
  const count = input.unsigned();
  if (count > MAX_FRAGMENTS || count * MIN_ROW_BYTES > input.remaining)
    throw new AppError('MP4_INVALID', `a table of fragments says it has ${count} rows, which cannot be`);
  const table: FragmentEntry[] = [];
  let next = FIRST;
  for (let i = 0; i < count; i++) {
    const number = checked(next.number + input.signed());
    const offset = checked(next.offset + input.signed());
    const sizeAndSync = input.unsigned();
    const entry = {
      number,
      offset,
      sizeBytes: Math.floor(sizeAndSync / 2),
      startTicks: checked(next.startTicks + input.signed()),
      durationTicks: checked(next.durationTicks + input.signed()),
      startsWithSync: sizeAndSync % 2 === 1,
    };
    table.push(entry);
    next = following(entry);
  }
  if (input.remaining > 0) throw new AppError('MP4_INVALID', 'bytes follow a table of fragments');
  return table;
}

type Expectation = Pick<FragmentEntry, 'number' | 'offset' | 'startTicks' | 'durationTicks'>;

const FIRST: Expectation = { number: 0, offset: 0, startTicks: 0, durationTicks: 0 };

/** What the next row says if neither fragments nor bytes nor time are missing between the two. */
function following(entry: FragmentEntry): Expectation {
  return {
    number: entry.number + 1,
    offset: entry.offset + entry.sizeBytes,
    startTicks: entry.startTicks + entry.durationTicks,
    durationTicks: entry.durationTicks,
  };
}

function checked(value: number): number {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new AppError('MP4_INVALID', `a table of fragments holds the impossible number ${value}`);
  return value;
}
