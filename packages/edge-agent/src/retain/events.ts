import type { Log } from '@gapless/shared/log';
import { Flood } from '@gapless/shared/log';
import type { Clock } from '@gapless/shared/time';
import { formatUtc, MINUTE_MS } from '@gapless/shared/time';
import type { RetentionEvents } from './retention.js';

/** A disk that refuses would otherwise be told of every ten seconds. */
const REPEAT_MS = 10 * MINUTE_MS;

/** Tells the log what retention does. Footage that is lost is a warning, whatever it was that asked for it. */
export function retentionEvents(log: Log, clock: Clock): RetentionEvents {
  const flood = new Flood(clock, REPEAT_MS);
  return {
    onEvicted: ({ why, segments, unreceipted }) => {
      const bytes = segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      log.debug({ why, segments: segments.length, bytes }, 'segments evicted');
      const [first] = unreceipted;
      if (!first) return;
      const from = unreceipted.reduce((least, { startMs }) => Math.min(least, startMs), first.startMs);
      const to = unreceipted.reduce((most, { endMs }) => Math.max(most, endMs), first.endMs);
      const lenses = [...new Set(unreceipted.map(({ lens }) => lens))];
      const span = { from: formatUtc(from), to: formatUtc(to) };
      log.warn(
        { why, segments: unreceipted.length, lenses, ...span },
        'footage evicted that central does not have',
      );
    },
    onPaused: (facts, lens) =>
      log.error({ lens, ...facts }, 'recording paused: there is no room and nothing may be evicted'),
    onResumed: (facts, lens) => log.info({ lens, ...facts }, 'recording resumed'),
    onFailed: (error) => {
      flood.report(error.code, (silent) => log.error({ err: error, silent }, 'retention failed'));
    },
  };
}
