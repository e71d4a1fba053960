import type { Movie } from '../isobmff/index.js';
import { formatUtc } from '../time/index.js';

/** Gaps that fit into a header. */
const MAX_GAPS_SHOWN = 50;

/** What an MP4 says of itself beside its bytes: which time it shows, and what is missing of it. */
export function movieHeaders({
  startMs,
  endMs,
  coveredMs,
  gaps,
}: Pick<Movie, 'startMs' | 'endMs' | 'coveredMs'> & {
  readonly gaps: readonly { readonly startMs: number; readonly endMs: number; readonly reason: string }[];
}): Record<string, string> {
  const shown = gaps
    .slice(0, MAX_GAPS_SHOWN)
    .map((gap) => `${formatUtc(gap.startMs)}/${formatUtc(gap.endMs)};reason=${gap.reason}`);
  return {
    'gapless-from': formatUtc(startMs),
    'gapless-to': formatUtc(endMs),
    'gapless-covered-ms': String(coveredMs),
    'gapless-gaps': shown.join(', '),
    'gapless-gap-count': String(gaps.length),
  };
}
