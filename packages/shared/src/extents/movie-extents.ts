import type { Movie } from '../isobmff/index.js';
import type { FileExtent } from './extent.js';
import { ExtentList } from './extent-list.js';

/**
 * A movie as a virtual file.
 *
 * @param fileOf where the file of a segment lies, by its index in the request that the movie was built for
 */
export function movieExtents(
  movie: Movie,
  fileOf: (segment: number) => Pick<FileExtent, 'path' | 'movesTo'>,
): ExtentList {
  const parts = movie.parts.map(({ segment, offset, length }) => ({
    kind: 'file' as const,
    path: fileOf(segment).path,
    movesTo: fileOf(segment).movesTo,
    offset,
    length,
  }));
  return new ExtentList([{ kind: 'bytes', bytes: movie.header }, ...parts]);
}
