import type { Box } from './box.js';
import { childrenOf, requireChild } from './box.js';
import { Fields } from './fields.js';
import type { InitSegment } from './init-segment.js';
import { trackById } from './init-segment.js';
import { mp4Invalid, mp4TooLarge, mp4Unsupported } from './mp4-error.js';
import { requireOnlyEntry } from './track-box.js';
import type { SampleDefaults, Track } from './track.js';

/** Samples of one `trun`, which lie side by side in the file. */
export interface TrackRun {
  readonly sampleCount: number;
  /** Which of the per-sample fields are there; the `tr_flags` of section 8.8.8. */
  readonly flags: number;
  /** Replaces the flags of the first sample; `undefined` when it needs no exception. */
  readonly firstSampleFlags: number | undefined;
  /** The rows of per-sample fields. */
  readonly rows: DataView;
  readonly rowBytes: number;
  /** Where the first sample begins, from the start of the `moof`. */
  readonly offset: number;
  readonly sizeBytes: number;
  readonly durationTicks: number;
}

/** What one fragment holds of one track. */
export interface TrackFragment {
  readonly track: Track;
  /** Decode time of the first sample (`tfdt`). */
  readonly startTicks: number;
  /** Sum of the durations. */
  readonly durationTicks: number;
  readonly sampleCount: number;
  /** What holds for samples whose row does not say otherwise: `tfhd` over `trex`. */
  readonly defaults: SampleDefaults;
  readonly runs: readonly TrackRun[];
}

/** Flags of `tfhd`, section 8.8.7. */
const BASE_DATA_OFFSET = 0x1;
const SAMPLE_DESCRIPTION_INDEX = 0x2;
const DEFAULT_DURATION = 0x8;
const DEFAULT_SIZE = 0x10;
const DEFAULT_FLAGS = 0x20;
const DEFAULT_BASE_IS_MOOF = 0x20000;

/** Flags of `trun`, section 8.8.8. */
const DATA_OFFSET = 0x1;
const FIRST_SAMPLE_FLAGS = 0x4;
export const ROW_DURATION = 0x100;
export const ROW_SIZE = 0x200;
export const ROW_FLAGS = 0x400;
export const ROW_COMPOSITION = 0x800;

/**
 * Bound on the samples of a fragment. Rows can be empty, so the length of a `trun` does not bound its count; a second
 * of PCM sound with one sample a frame at 192 kHz stays below this.
 */
export const MAX_FRAGMENT_SAMPLES = 2 ** 18;

/** Where a `traf` stands. */
export interface TrackFragmentPlace {
  /**
   * Where data lie that no box gives an offset for, from the start of the `moof`: the end of the preceding track's.
   */
  readonly dataStart: number;
  /**
   * Where the `moof` lies in its file, for fragments that are read where they were written and may name offsets in that
   * file; `undefined` refuses those, because they cannot be moved.
   */
  readonly fixedAt?: number | undefined;
}

/** Reads a `traf` (ISO/IEC 14496-12 sections 8.8.6 to 8.8.8 and 8.8.12). */
export function parseTrackFragment(traf: Box, init: InitSegment, place: TrackFragmentPlace): TrackFragment {
  const { track, defaults, baseOffset } = parseHeader(requireChild(traf, 'tfhd'), init, place.fixedAt);
  const startTicks = parseDecodeTime(traf);
  const base = baseOffset ?? place.dataStart;
  const runs: TrackRun[] = [];
  let next = base;
  let sampleCount = 0;
  let durationTicks = 0;
  for (const child of childrenOf(traf)) {
    if (child.type !== 'trun') continue;
    const run = parseRun(child, defaults, { base, next, budget: MAX_FRAGMENT_SAMPLES - sampleCount });
    runs.push(run);
    next = run.offset + run.sizeBytes;
    sampleCount += run.sampleCount;
    durationTicks += run.durationTicks;
  }
  if (!Number.isSafeInteger(startTicks + durationTicks))
    throw mp4Invalid('traf', traf.at, 'has times beyond 2^53');
  return { track, startTicks, durationTicks, sampleCount, defaults, runs };
}

/** Where the data of a track fragment end, from the start of the `moof`; `undefined` when it has none. */
export function dataEnd(fragment: TrackFragment): number | undefined {
  const last = fragment.runs.at(-1);
  return last && last.offset + last.sizeBytes;
}

function parseHeader(tfhd: Box, init: InitSegment, fixedAt: number | undefined) {
  const fields = new Fields(tfhd);
  const { flags } = fields.versionAndFlags();
  const track = trackById(init, fields.u32(), tfhd);
  let baseOffset = flags & DEFAULT_BASE_IS_MOOF ? 0 : undefined;
  if (flags & BASE_DATA_OFFSET) {
    if (fixedAt === undefined)
      throw mp4Unsupported('tfhd', tfhd.at, 'names offsets in the file, so its fragment cannot be moved');
    baseOffset = fields.u64() - fixedAt;
  }
  if (flags & SAMPLE_DESCRIPTION_INDEX) requireOnlyEntry(fields.u32(), tfhd);
  const defaults: SampleDefaults = {
    durationTicks: flags & DEFAULT_DURATION ? fields.u32() : track.defaults.durationTicks,
    sizeBytes: flags & DEFAULT_SIZE ? fields.u32() : track.defaults.sizeBytes,
    flags: flags & DEFAULT_FLAGS ? fields.u32() : track.defaults.flags,
  };
  return { track, defaults, baseOffset };
}

/** Optional in the standard; without it a fragment has no place in time once others are missing. */
function parseDecodeTime(traf: Box): number {
  for (const child of childrenOf(traf)) {
    if (child.type !== 'tfdt') continue;
    const fields = new Fields(child);
    const { version } = fields.versionAndFlags();
    return version === 1 ? fields.u64() : fields.u32();
  }
  throw mp4Unsupported('traf', traf.at, 'has no tfdt');
}

interface RunPlace {
  readonly base: number;
  readonly next: number;
  readonly budget: number;
}

function parseRun(trun: Box, defaults: SampleDefaults, { base, next, budget }: RunPlace): TrackRun {
  const fields = new Fields(trun);
  const { flags } = fields.versionAndFlags();
  const sampleCount = fields.u32();
  if (sampleCount > budget)
    throw mp4TooLarge('trun', trun.at, `brings the fragment over ${MAX_FRAGMENT_SAMPLES} samples`);
  const offset = flags & DATA_OFFSET ? base + fields.i32() : next;
  const firstSampleFlags = flags & FIRST_SAMPLE_FLAGS ? fields.u32() : undefined;
  const columns = [ROW_DURATION, ROW_SIZE, ROW_FLAGS, ROW_COMPOSITION];
  const rowBytes = 4 * columns.filter((column) => flags & column).length;
  const bytes = fields.bytes(rowBytes * sampleCount);
  const rows = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const run = { sampleCount, flags, firstSampleFlags, rows, rowBytes, offset };
  return { ...run, ...totals(run, defaults) };
}

function totals(
  { sampleCount, flags, rows, rowBytes }: Pick<TrackRun, 'sampleCount' | 'flags' | 'rows' | 'rowBytes'>,
  defaults: SampleDefaults,
): Pick<TrackRun, 'sizeBytes' | 'durationTicks'> {
  const sizeAt = flags & ROW_DURATION ? 4 : 0;
  let durationTicks = flags & ROW_DURATION ? 0 : defaults.durationTicks * sampleCount;
  let sizeBytes = flags & ROW_SIZE ? 0 : defaults.sizeBytes * sampleCount;
  for (let i = 0; i < sampleCount; i++) {
    if (flags & ROW_DURATION) durationTicks += rows.getUint32(i * rowBytes);
    if (flags & ROW_SIZE) sizeBytes += rows.getUint32(i * rowBytes + sizeAt);
  }
  return { sizeBytes, durationTicks };
}
