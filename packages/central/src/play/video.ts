import type { Video } from '@gapless/shared/extents';
import { filesForVideo, makeVideo, nearVideo } from '@gapless/shared/extents';
import type { Range } from '@gapless/shared/interval';
import type { MovieRequest } from '@gapless/shared/isobmff';
import type { DataLayout } from '../store/layout.js';
import type { StoreReader } from '../store/store.js';
import { playableObjects, readMovieSegment } from './stored-media.js';
import type { VideoCache } from './video-cache.js';

export interface VideoPort {
  readonly store: StoreReader;
  readonly layout: DataLayout;
  readonly cache: VideoCache;
  /** Keeps objects as they are for as long as the movie is read. */
  readonly hold: (objectIds: readonly number[]) => void;
}

/** Makes an MP4 of a range from the stored segments. `undefined` when no footage of the range is here. */
export async function storedVideo(
  { store, layout, cache, hold }: VideoPort,
  lensId: number,
  ask: { range: Range; mode: MovieRequest['mode'] },
): Promise<Video | undefined> {
  const near = playableObjects(store, layout, lensId, nearVideo(ask.range)).map((playable) => ({
    id: playable.object.id,
    startMs: playable.object.startMs,
    endMs: playable.object.endMs,
    startsWithSync: playable.fragments[0]!.startsWithSync,
    path: playable.file,
    fingerprint: playable.object.expected!.sha256,
    read: () => readMovieSegment(playable),
  }));
  const files = filesForVideo(near, ask.range);
  hold(files.map(({ id }) => id));
  const fingerprints = files.map(({ fingerprint }) => fingerprint);
  return cache.get({ lensId, ...ask, fingerprints }, () => makeVideo(files, ask));
}
