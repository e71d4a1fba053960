import { createHash } from 'node:crypto';
import type { Range } from '../interval/index.js';
import type { Movie, MovieRequest, MovieSegment, StoredSegment } from '../isobmff/index.js';
import { buildMovie, segmentsForMovie } from '../isobmff/index.js';
import type { ExtentList } from './extent-list.js';
import type { FileExtent } from './extent.js';
import { movieExtents } from './movie-extents.js';

/** An MP4 of a range that exists only while it is read. */
export interface Video {
  readonly movie: Movie;
  readonly content: ExtentList;
  /** Strong entity tag (RFC 9110 section 8.8.3), without quotes: the same request gives the same bytes. */
  readonly etag: string;
}

/** A segment's file that a video may be made of. */
export interface VideoFile extends StoredSegment, Pick<FileExtent, 'path' | 'movesTo'> {
  /** What tells its bytes from any others, such as its hash. */
  readonly fingerprint: string;
  /** Where its bytes lie, known once it was read, for one that is put together from several files. */
  readonly content?: () => ExtentList | undefined;
  /** Reads its sample tables; `undefined` leaves the file out. */
  readonly read: () => Promise<MovieSegment | undefined>;
}

/** A neighbour whose sound reaches into a range lies this near. */
const NEIGHBOUR_MS = 30_000;

/** Files that are read at once for their sample tables. */
const READ_AT_ONCE = 8;

/** The window whose files have to be looked at for a video of `range`. */
export function nearVideo({ startMs, endMs }: Range): Range {
  return { startMs: Math.max(0, startMs - NEIGHBOUR_MS), endMs: endMs + NEIGHBOUR_MS };
}

/**
 * The files that a video of `range` is made of, with those beside it in which its sound may lie.
 *
 * @param files in order of time
 */
export function filesForVideo<File extends StoredSegment>(
  files: readonly File[],
  range: Range,
): readonly File[] {
  const { first, end } = segmentsForMovie(files, range);
  return files.slice(first, end);
}

/**
 * Makes an MP4 of a range from segments' files: a header in memory and stretches of the files. Nothing is encoded,
 * nothing is written.
 *
 * @param files those of {@link filesForVideo}
 * @returns `undefined` when nothing of the range can be shown
 * @throws what {@link VideoFile.read} and `buildMovie` throw
 */
export async function makeVideo(
  files: readonly VideoFile[],
  ask: { readonly range: Range; readonly mode: MovieRequest['mode'] },
): Promise<Video | undefined> {
  const read = await mapBounded(files, READ_AT_ONCE, (file) => file.read());
  const segments = read.filter((segment) => segment !== undefined);
  const used = files.filter((_, i) => read[i] !== undefined);
  const movie = buildMovie({ segments, ...ask });
  if (!movie) return undefined;
  const content = movieExtents(movie, (segment) => used[segment]!);
  return { movie, content, etag: etagOf(movie, used) };
}

/** The header tells which bytes of which samples; the files' fingerprints tell what those bytes are. */
function etagOf(movie: Movie, files: readonly VideoFile[]): string {
  const hash = createHash('sha256').update(movie.header);
  for (const { fingerprint } of files) hash.update(fingerprint);
  return hash.digest('base64url').slice(0, 32);
}

async function mapBounded<A, B>(
  items: readonly A[],
  atOnce: number,
  map: (item: A) => Promise<B>,
): Promise<B[]> {
  const out = new Array<B>(items.length);
  let next = 0;
  const work = async (): Promise<void> => {
    for (let i = next++; i < items.length; i = next++) out[i] = await map(items[i]!);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, work));
  return out;
}
