import { AppError } from '../errors/index.js';
import type { ByteSource } from './byte-source.js';
import type { MovieSegment } from './movie.js';
import type { SampleTable } from './sample-table.js';
import { SampleTableBuilder } from './sample-table.js';
import type { SegmentLayout } from './segment-layout.js';
import { scanSegment } from './segment-layout.js';

/** The layout of a segment file with the samples of every track. */
export interface SegmentSamples {
  readonly layout: SegmentLayout;
  /** One table a track, in the order of the init segment's tracks; offsets count from the start of the file. */
  readonly tables: readonly SampleTable[];
}

/** Reads a segment file's layout and samples in one pass. Throws as {@link scanSegment} does. */
export async function readSegmentSamples(file: ByteSource): Promise<SegmentSamples> {
  const builders = new Map<number, SampleTableBuilder>();
  const builderOf = (trackId: number): SampleTableBuilder => {
    const builder = builders.get(trackId) ?? new SampleTableBuilder();
    builders.set(trackId, builder);
    return builder;
  };
  const layout = await scanSegment(file, {
    onFragment: (fragment, offset) => {
      for (const part of fragment.tracks) builderOf(part.track.id).add(part, offset);
    },
  });
  return { layout, tables: layout.init.tracks.map((track) => builderOf(track.id).build()) };
}

/** A segment of ours as part of a movie; throws MP4_UNSUPPORTED for a file that does not say when it was recorded. */
export function movieSegment({ layout, tables }: SegmentSamples): MovieSegment {
  const { identity, init, fragments } = layout;
  if (!identity)
    throw new AppError('MP4_UNSUPPORTED', 'the file has no identity box, so it has no place in time');
  return { run: identity.run, clock: identity, init, tables, fragments };
}
