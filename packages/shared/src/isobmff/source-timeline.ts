import type { AppError } from '../errors/index.js';
import type { Presentation } from './edit-list.js';
import { mp4Invalid } from './mp4-error.js';
import type { SampleTable } from './sample-table.js';
import type { Track } from './track.js';

/** Samples up to where something is wrong, and what that is. */
export interface GoodSamples {
  readonly table: SampleTable;
  readonly damage: AppError | undefined;
}

/** A recorder that was silent for longer than this began anew; a sample does not last that long. */
const MAX_SAMPLE_SECONDS = 60;

/** How far decode times may step back where a fragment's own start time was rounded. */
const MAX_STEP_BACK_SECONDS = 1;

/** The samples before the first that does not lie in the file. */
export function upToEnd(table: SampleTable, fileBytes: number): GoodSamples {
  const { count, offset, sizeBytes } = table;
  let first = 0;
  while (first < count && offset[first]! + sizeBytes[first]! <= fileBytes) first++;
  if (first === count) return { table, damage: undefined };
  const damage = mp4Invalid('mdat', offset[first]!, `lacks sample ${first + 1} of ${count}: the file ends`);
  return { table: firstOf(table, first), damage };
}

/**
 * Works the edit list into the times of pictures, and lets each last until the next. Decode times keep their distances, as
 * coverage counts by them, and begin when the first picture is shown; the composition offsets count from there.
 */
export function pictureTimeline(
  table: SampleTable,
  { timescale }: Pick<Track, 'timescale'>,
  { mediaTime, delayTicks }: Presentation,
): GoodSamples {
  const { count } = table;
  // Without an edit list the first picture is shown later than it is decoded; footage begins when it is shown.
  const skipped = table.compositionTicks[Math.max(0, table.sync.subarray(0, count).indexOf(1))] ?? mediaTime;
  const decodeTicks = table.decodeTicks.map((ticks) => ticks + delayTicks + skipped - mediaTime);
  const durationTicks = table.durationTicks.slice();
  const compositionTicks = table.compositionTicks.map((ticks) => ticks - skipped);
  const usual = usualDuration(durationTicks);
  for (let i = 1; i < count; i++) {
    let lasted = decodeTicks[i]! - decodeTicks[i - 1]!;
    if (lasted < -MAX_STEP_BACK_SECONDS * timescale) {
      const damage = mp4Invalid('moof', table.offset[i]!, `has sample ${i + 1} of ${count} go back in time`);
      const upToThere = { ...table, decodeTicks, durationTicks, compositionTicks };
      return { table: firstOf(upToThere, i), damage };
    }
    if (lasted < 0) {
      decodeTicks[i] = decodeTicks[i - 1]!;
      lasted = 0;
    }
    durationTicks[i - 1] = lasted > MAX_SAMPLE_SECONDS * timescale ? usual : lasted;
  }
  return { table: { ...table, decodeTicks, durationTicks, compositionTicks }, damage: undefined };
}

/** Works the edit list into the times of sound; frames that step back in time are left out. */
export function soundTimeline(table: SampleTable, { mediaTime, delayTicks }: Presentation): SampleTable {
  const kept: number[] = [];
  let lastTicks = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < table.count; i++) {
    if (table.decodeTicks[i]! <= lastTicks) continue;
    lastTicks = table.decodeTicks[i]!;
    kept.push(i);
  }
  const pick = (column: ArrayLike<number>): number[] => kept.map((i) => column[i]!);
  return {
    count: kept.length,
    decodeTicks: Float64Array.from(pick(table.decodeTicks), (ticks) => ticks + delayTicks - mediaTime),
    durationTicks: Uint32Array.from(pick(table.durationTicks)),
    compositionTicks: new Int32Array(kept.length),
    sizeBytes: Uint32Array.from(pick(table.sizeBytes)),
    offset: Float64Array.from(pick(table.offset)),
    sync: new Uint8Array(kept.length).fill(1),
  };
}

function firstOf(table: SampleTable, count: number): SampleTable {
  return {
    count,
    decodeTicks: table.decodeTicks.subarray(0, count),
    durationTicks: table.durationTicks.subarray(0, count),
    compositionTicks: table.compositionTicks.subarray(0, count),
    sizeBytes: table.sizeBytes.subarray(0, count),
    offset: table.offset.subarray(0, count),
    sync: table.sync.subarray(0, count),
  };
}

/** The lower median; 0 for no samples. */
function usualDuration(durations: Uint32Array): number {
  return durations.length === 0 ? 0 : durations.slice().sort()[(durations.length - 1) >> 1]!;
}
