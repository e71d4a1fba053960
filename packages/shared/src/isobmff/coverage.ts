import type { Range } from '../interval/index.js';
import { RangeSet } from '../interval/index.js';
import type { DurationMs, EpochMs } from '../time/index.js';
import type { InitSegment } from './init-segment.js';
import { primaryTrack } from './init-segment.js';
import { parseFragment } from './movie-fragment.js';
import type { SampleTable } from './sample-table.js';
import { samplesOf } from './sample-table.js';
import type { SegmentClock } from './segment-clock.js';
import { wallMs } from './segment-clock.js';

/** Cameras send at least a picture every two seconds; one that shows nothing for longer has a gap there. */
export const MAX_SAMPLE_MS: DurationMs = 2_000;

export interface CoverageOptions {
  /** Wall time of a decode time; never decreases. */
  readonly toMs: (decodeTicks: number) => EpochMs;
  /** A sample that lasts longer than this stands for a camera that fell silent, not for footage. */
  readonly maxSampleMs?: DurationMs;
}

/**
 * The instants for which a segment has media, from the samples of its primary track. Samples tile the decode timeline,
 * each from its decode time for its duration; where the next begins later, there is a hole. A sample that lasts longer
 * than `maxSampleMs` covers only what samples last here as a rule (the median, at most `maxSampleMs`). Boundaries are rounded once each, and
 * only where coverage begins or ends, so that neighbouring segments meet without a hole.
 */
export function coverageOf(
  samples: Pick<SampleTable, 'count' | 'decodeTicks' | 'durationTicks'>,
  { toMs, maxSampleMs = MAX_SAMPLE_MS }: CoverageOptions,
): RangeSet {
  const { count, decodeTicks, durationTicks } = samples;
  const ranges: Range[] = [];
  const nominalTicks = medianOf(durationTicks);
  const close = (fromTicks: number, toTicks: number): void => {
    const startMs = toMs(fromTicks);
    const endMs = toMs(toTicks);
    // A stretch that rounds to nothing covers no whole millisecond.
    if (startMs < endMs) ranges.push({ startMs, endMs });
  };
  let fromTicks = 0;
  let untilTicks = 0;
  for (let i = 0; i < count; i++) {
    const start = decodeTicks[i]!;
    if (i === 0 || start !== untilTicks) {
      if (i > 0) close(fromTicks, untilTicks);
      fromTicks = start;
    }
    const duration = durationTicks[i]!;
    const lastsMs = toMs(start + duration) - toMs(start);
    // In proportion, so that no timescale needs to be known here.
    const mostTicks = Math.floor((duration * maxSampleMs) / lastsMs);
    untilTicks = start + (lastsMs > maxSampleMs ? Math.min(nominalTicks, mostTicks) : duration);
  }
  if (count > 0) close(fromTicks, untilTicks);
  return RangeSet.from(ranges);
}

/** What one fragment, `moof` and `mdat`, covers by the samples of its primary track. Throws as `parseFragment` does. */
export function fragmentCoverage(bytes: Uint8Array, init: InitSegment, clock: SegmentClock): RangeSet {
  const primary = primaryTrack(init);
  const part = parseFragment(bytes, init).tracks.find(({ track }) => track === primary);
  if (!part) return RangeSet.empty;
  return coverageOf(samplesOf(part), { toMs: (ticks) => wallMs(clock, ticks) });
}

/** The lower median; 0 for no values. */
function medianOf(values: Uint32Array): number {
  if (values.length === 0) return 0;
  return values.slice().sort()[(values.length - 1) >> 1]!;
}
