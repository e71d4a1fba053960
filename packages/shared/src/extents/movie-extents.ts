import type { Movie } from '../isobmff/index.js';
import type { Extent, FileExtent } from './extent.js';
import { ExtentList } from './extent-list.js';

/** Where the bytes of a segment lie: in one file, or in what `content` says. */
export interface MovieFile extends Pick<FileExtent, 'path' | 'movesTo'> {
  readonly content?: () => ExtentList | undefined;
}

/**
 * A movie as a virtual file.
 *
 * @param fileOf where the file of a segment lies, by its index in the request that the movie was built for
 */
export function movieExtents(movie: Movie, fileOf: (segment: number) => MovieFile): ExtentList {
  const parts = movie.parts.flatMap(({ segment, offset, length }): readonly Extent[] => {
    const { path, movesTo, content } = fileOf(segment);
    const made = content?.();
    return made
      ? made.slice(offset, offset + length).extents
      : [{ kind: 'file', path, movesTo, offset, length }];
  });
  return new ExtentList([{ kind: 'bytes', bytes: movie.header }, ...parts]);
}
