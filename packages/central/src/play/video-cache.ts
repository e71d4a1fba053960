import { createHash } from 'node:crypto';
import type { Video } from '@gapless/shared/extents';
import type { Range } from '@gapless/shared/interval';
import type { MovieRequest } from '@gapless/shared/isobmff';
import { LRUCache } from 'lru-cache';

/** What tells one video from any other: the request, and the bytes of the files it is made of. */
export interface VideoKey {
  readonly lensId: number;
  readonly range: Range;
  readonly mode: MovieRequest['mode'];
  /** Of the files in their order, such as their hashes. */
  readonly fingerprints: readonly string[];
}

/** Memory of all the videos that are kept; a day of one lens takes about a third of it. */
const MAX_BYTES = 96 * 2 ** 20;

/** What an extent takes, its share of the lists included. */
const EXTENT_BYTES = 256;

/**
 * Videos that were laid out lately. A player asks for one stretch of bytes after another, and laying out a day anew for each
 * would take seconds. Nothing in it can be stale: other files are another key.
 */
export class VideoCache {
  readonly #videos = new LRUCache<string, Video>({ maxSize: MAX_BYTES, sizeCalculation: memoryOf });

  /** The video of `key`: the one that is kept, or what `make` makes. */
  async get(key: VideoKey, make: () => Promise<Video | undefined>): Promise<Video | undefined> {
    const name = nameOf(key);
    const kept = this.#videos.get(name);
    if (kept) return kept;
    const video = await make();
    if (video) this.#videos.set(name, video);
    return video;
  }
}

function nameOf({ lensId, range, mode, fingerprints }: VideoKey): string {
  const hash = createHash('sha256');
  for (const fingerprint of fingerprints) hash.update(fingerprint).update('\n');
  return `${lensId} ${range.startMs} ${range.endMs} ${mode} ${hash.digest('hex')}`;
}

function memoryOf({ movie, content }: Video): number {
  return movie.header.length + content.extents.length * EXTENT_BYTES + 1;
}
