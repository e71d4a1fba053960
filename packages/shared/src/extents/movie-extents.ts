import type { Movie } from '../isobmff/index.js';
import { ExtentList } from './extent-list.js';

/**
 * A movie as a virtual file.
 *
 * @param pathOf where the file of a segment lies, by its index in the request that the movie was built for
 */
export function movieExtents(movie: Movie, pathOf: (segment: number) => string): ExtentList {
  const parts = movie.parts.map(({ segment, offset, length }) => ({
    kind: 'file' as const,
    path: pathOf(segment),
    offset,
    length,
  }));
  return new ExtentList([{ kind: 'bytes', bytes: movie.header }, ...parts]);
}
