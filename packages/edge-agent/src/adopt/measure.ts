import type { AppError } from '@gapless/shared/errors';
import { RangeSet } from '@gapless/shared/interval';
import type { ByteSource, SampleTable, SourceMovie, SourceTrack } from '@gapless/shared/isobmff';
import { coverageOf, firstSync, readSourceMovie } from '@gapless/shared/isobmff';
import type { DurationMs, EpochMs } from '@gapless/shared/time';
import type { AdoptedFacts } from '../index/rows.js';
import type { FoundFile } from './adoption.js';
import type { Start } from './start-policy.js';
import { chooseStart } from './start-policy.js';

/** What a file of another recorder holds, by its samples. */
export interface Measured {
  readonly movie: SourceMovie;
  readonly start: Start;
  /** `undefined` for a file without a picture that can be decoded. */
  readonly video: SourceTrack | undefined;
  /** Wall time of a decode time of the pictures, by the file's own clock; not rounded. */
  readonly toMs: (decodeTicks: number) => number;
  /** For how long it has pictures, from the first that can be decoded on. */
  readonly lengthMs: DurationMs;
  readonly damage: AppError | undefined;
  readonly facts: Omit<AdoptedFacts, 'overlapMs' | 'continues'>;
}

/**
 * Reads the samples of a file and says what it covers.
 *
 * @throws MP4_* for what is no MP4 that can be read, STORAGE_*
 */
export async function measure(
  file: ByteSource,
  found: Pick<FoundFile, 'named' | 'modifiedMs'>,
): Promise<Measured> {
  const movie = await readSourceMovie(file);
  const { video, beginsSeconds, damage, leftOut } = movie;
  const timescale = video?.track.timescale ?? 1;
  const secondsOf = (ticks: number): number => ticks / timescale - beginsSeconds;
  const endSeconds = video ? secondsOf(endOf(video.table)) : 0;
  const start = chooseStart({ ...movie, ...found, lengthMs: Math.max(0, endSeconds * 1000) });
  const toMs = (ticks: number): number => start.startMs + secondsOf(ticks) * 1000;
  const facts = { clock: start.clock, startMs: start.startMs, leftOut };
  const first = video ? firstSync(video.table) : 0;
  if (!video || first === video.table.count) {
    const pictures = video?.table.count ?? 0;
    const none = { holes: 0, holesMs: 0, lateMs: 0, undecodableMs: 0 };
    return {
      movie,
      start,
      video: undefined,
      toMs,
      lengthMs: 0,
      damage,
      facts: { ...facts, ...none, pictures },
    };
  }
  const decodable = from(video.table, first);
  const firstMs = toMs(decodable.decodeTicks[0]!);
  const endMs = toMs(endOf(decodable));
  const coverage = coverageOf(decodable, { toMs: (ticks): EpochMs => Math.round(toMs(ticks)) });
  const extent = {
    startMs: Math.round(firstMs),
    endMs: Math.max(Math.round(endMs), Math.round(firstMs) + 1),
  };
  const holes = coverage.isEmpty ? RangeSet.empty : coverage.complementWithin(extent);
  const beginsMs = toMs(video.table.decodeTicks[0]!);
  return {
    ...{ movie, start, video, toMs, damage },
    lengthMs: endMs - firstMs,
    facts: {
      ...facts,
      video: extent,
      pictures: decodable.count,
      holes: holes.ranges.length,
      holesMs: holes.ranges.reduce((sum, hole) => sum + hole.endMs - hole.startMs, 0),
      lateMs: Math.max(0, Math.round(beginsMs - start.startMs)),
      undecodableMs: Math.round(firstMs - beginsMs),
    },
  };
}

function endOf({ count, decodeTicks, durationTicks }: SampleTable): number {
  return count === 0 ? 0 : decodeTicks[count - 1]! + durationTicks[count - 1]!;
}

/** The columns that coverage needs, from a sample on. */
function from(table: SampleTable, first: number): SampleTable {
  return {
    count: table.count - first,
    decodeTicks: table.decodeTicks.subarray(first),
    durationTicks: table.durationTicks.subarray(first),
    compositionTicks: table.compositionTicks.subarray(first),
    sizeBytes: table.sizeBytes.subarray(first),
    offset: table.offset.subarray(first),
    sync: table.sync.subarray(first),
  };
}
