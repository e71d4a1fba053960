import type { MoviePart } from './movie.js';
import type { Chunk, MovieTrack } from './movie-track.js';

/** Where the media of a movie lie, and where they come from. */
export interface MediaLayout {
  readonly parts: readonly MoviePart[];
  /** Length of all parts. */
  readonly lengthBytes: number;
  /** For each track, where each of its chunks begins, from the start of the first part. */
  readonly chunkOffsets: readonly Float64Array[];
}

/**
 * Keeps the media in the order in which they stand in the files, since fragments already interleave pictures and sound:
 * so neighbouring chunks can be read as one part.
 */
export function layOutMedia(tracks: readonly MovieTrack[]): MediaLayout {
  const chunkOffsets = tracks.map(({ chunks }) => new Float64Array(chunks.length));
  const inFileOrder = tracks
    .flatMap(({ chunks }, track) => chunks.map((chunk, index) => ({ chunk, track, index })))
    .sort((a, b) => a.chunk.segment - b.chunk.segment || a.chunk.offset - b.chunk.offset);
  const parts: { segment: number; offset: number; length: number }[] = [];
  let lengthBytes = 0;
  for (const { chunk, track, index } of inFileOrder) {
    chunkOffsets[track]![index] = lengthBytes;
    lengthBytes += chunk.length;
    extend(parts, chunk);
  }
  return { parts, lengthBytes, chunkOffsets };
}

function extend(parts: { segment: number; offset: number; length: number }[], chunk: Chunk): void {
  const { segment, offset, length } = chunk;
  const last = parts.at(-1);
  if (last?.segment === segment && last.offset + last.length === offset) last.length += length;
  else if (length > 0) parts.push({ segment, offset, length });
}
