import { describe, expect, it } from 'vitest';
import type { Video } from '@gapless/shared/extents';
import { ExtentList } from '@gapless/shared/extents';
import type { VideoKey } from './video-cache.js';
import { VideoCache } from './video-cache.js';

const key: VideoKey = {
  lensId: 1,
  range: { startMs: 0, endMs: 60_000 },
  mode: 'exact',
  fingerprints: ['a', 'b'],
};

function video(headerBytes = 1_000): Video {
  const header = new Uint8Array(headerBytes);
  const shown = { startMs: 0, endMs: 60_000, coveredMs: 60_000, gaps: [], codecs: [] };
  const movie = { header, parts: [], sizeBytes: headerBytes, ...shown };
  return { movie, content: new ExtentList([]), etag: 'e' };
}

describe(VideoCache, () => {
  it('makes a video once for all who ask for it', async () => {
    const cache = new VideoCache();
    const made = video();
    expect(await cache.get(key, () => Promise.resolve(made))).toBe(made);
    expect(await cache.get({ ...key }, () => Promise.reject(new Error('made twice')))).toBe(made);
  });

  it.each<[string, Partial<VideoKey>]>([
    ['another lens', { lensId: 2 }],
    ['another range', { range: { startMs: 0, endMs: 60_001 } }],
    ['another mode', { mode: 'keyframe' }],
    ['a file that was replaced', { fingerprints: ['a', 'c'] }],
    ['a file more', { fingerprints: ['a', 'b', 'c'] }],
    ['files whose names run together', { fingerprints: ['ab'] }],
  ])('knows %s from it', async (_what, other) => {
    const cache = new VideoCache();
    await cache.get(key, () => Promise.resolve(video()));
    const made = video();
    expect(await cache.get({ ...key, ...other }, () => Promise.resolve(made))).toBe(made);
  });

  it('keeps no more than its memory, and gives up what was not asked for the longest', async () => {
    const cache = new VideoCache();
    const keys = Array.from({ length: 5 }, (_, lensId) => ({ ...key, lensId }));
    for (const each of keys) await cache.get(each, () => Promise.resolve(video(30 * 2 ** 20)));
    const isKept = async (each: VideoKey): Promise<boolean> => {
      const fresh = video();
      return (await cache.get(each, () => Promise.resolve(fresh))) !== fresh;
    };
    expect(await isKept(keys[4]!)).toBe(true);
    expect(await isKept(keys[0]!)).toBe(false);
  });

  it('remembers nothing where there was no footage', async () => {
    const cache = new VideoCache();
    expect(await cache.get(key, () => Promise.resolve(undefined))).toBeUndefined();
    const made = video();
    expect(await cache.get(key, () => Promise.resolve(made))).toBe(made);
  });
});
