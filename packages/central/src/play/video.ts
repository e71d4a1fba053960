import { createHash } from 'node:crypto';
import type { ExtentList } from '@gapless/shared/extents';
import { movieExtents } from '@gapless/shared/extents';
import type { Range } from '@gapless/shared/interval';
import type { Movie, MovieRequest } from '@gapless/shared/isobmff';
import { buildMovie, segmentsForMovie } from '@gapless/shared/isobmff';
import type { DataLayout } from '../store/layout.js';
import type { StoreReader } from '../store/store.js';
import type { PlayableObject } from './stored-media.js';
import { playableObjects, readMovieSegment } from './stored-media.js';

/** An MP4 of a range that exists only while it is read. */
export interface Video {
  readonly movie: Movie;
  readonly content: ExtentList;
  /** Strong entity tag (RFC 9110 section 8.8.3), without quotes: the same request gives the same bytes. */
  readonly etag: string;
}

export interface VideoPort {
  readonly store: StoreReader;
  readonly layout: DataLayout;
  /** Keeps objects as they are for as long as the movie is read. */
  readonly hold: (objectIds: readonly number[]) => void;
}

/** A neighbour whose sound reaches into a range lies this near. */
const NEIGHBOUR_MS = 30_000;

/** Files that are read at once for their sample tables. */
const READ_AT_ONCE = 8;

/**
 * Makes an MP4 of a range from the stored segments: a header in memory and stretches of the files. Nothing is encoded,
 * nothing is written. `undefined` when no footage of the range is here.
 */
export async function makeVideo(
  port: VideoPort,
  lensId: number,
  ask: { range: Range; mode: MovieRequest['mode'] },
): Promise<Video | undefined> {
  const near = { startMs: ask.range.startMs - NEIGHBOUR_MS, endMs: ask.range.endMs + NEIGHBOUR_MS };
  const objects = neededFor(playableObjects(port.store, port.layout, lensId, near), ask.range);
  port.hold(objects.map(({ object }) => object.id));
  const segments = await mapBounded(objects, READ_AT_ONCE, readMovieSegment);
  const movie = buildMovie({ segments, ...ask });
  if (!movie) return undefined;
  const content = movieExtents(movie, (segment) => objects[segment]!.file);
  return { movie, content, etag: etagOf(movie, objects) };
}

/** The objects that a movie of `range` is made of, with those beside it in whose files its sound may lie. */
function neededFor(objects: readonly PlayableObject[], range: Range): readonly PlayableObject[] {
  const stored = objects.map(({ object, fragments }) => ({
    startMs: object.startMs,
    endMs: object.endMs,
    startsWithSync: fragments[0]!.startsWithSync,
  }));
  const { first, end } = segmentsForMovie(stored, range);
  return objects.slice(first, end);
}

/** The header tells which bytes of which samples; the objects' hashes tell what those bytes are. */
function etagOf(movie: Movie, objects: readonly PlayableObject[]): string {
  const hash = createHash('sha256').update(movie.header);
  for (const { object } of objects) hash.update(object.expected!.sha256);
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
