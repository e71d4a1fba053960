import type { CentralClient } from '@gapless/harness/central-client';
import type { Range } from '@gapless/shared/interval';
import { formatUtc } from '@gapless/shared/time';

const TTL_SECONDS = 86_400;

/** URLs of one lens that open without a token for a day. */
export interface LensLinks {
  /** The states of a window. */
  timeline(window: Range): string;
  /** A playlist of a window; without one, of the present, and it grows. */
  playlist(window?: Range): string;
  video(window: Range): string;
}

/** Asks central for a signed link to the lens `path`. */
export async function linksOf(client: CentralClient, url: string, path: string): Promise<LensLinks> {
  const { query } = await client.json<{ query: string }>(`/api/v1/lenses/${path}/links`, {
    method: 'POST',
    body: JSON.stringify({ ttlSeconds: TTL_SECONDS }),
  });
  const link = (what: string, window?: Range, more = ''): string => {
    const times = window ? `from=${formatUtc(window.startMs)}&to=${formatUtc(window.endMs)}&` : '';
    return `${url}/api/v1/lenses/${path}/${what}?${times}${more}${query}`;
  };
  return {
    timeline: (window) => link('timeline', window),
    playlist: (window) => link('index.m3u8', window),
    video: (window) => link('video.mp4', window, 'mode=keyframe&'),
  };
}
