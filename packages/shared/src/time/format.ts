import type { DurationMs, EpochMs } from './epoch.js';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from './epoch.js';

/** RFC 3339 in UTC with milliseconds: `2026-08-22T16:57:28.123Z`. */
export function formatUtc(ms: EpochMs): string {
  return new Date(ms).toISOString();
}

/** Fixed-width UTC for file names and run ids, `20260822T165728123Z`, so that lexical order is time order. */
export function compactUtc(ms: EpochMs): string {
  return formatUtc(ms).replace(/[-:.]/g, '');
}

/** The UTC calendar day of an instant: `2026-08-22`. */
export function utcDay(ms: EpochMs): string {
  return formatUtc(ms).slice(0, 10);
}

/** Reads what {@link compactUtc} wrote; `undefined` when the text is anything else or names no real instant. */
export function parseCompactUtc(text: string): EpochMs | undefined {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z$/.exec(text);
  if (!match) return undefined;
  const part = (group: number): number => Number(match[group]);
  const ms = Date.UTC(part(1), part(2) - 1, part(3), part(4), part(5), part(6), part(7));
  return compactUtc(ms) === text ? ms : undefined;
}

/** A length for people, in the two largest units that matter: `45.0 s`, `2 min 05 s`, `3 h 07 min`, `2 d 04 h`. */
export function formatDuration(ms: DurationMs): string {
  const sign = ms < 0 ? '-' : '';
  const abs = Math.abs(ms);
  const two = (n: number): string => String(n).padStart(2, '0');
  if (abs < MINUTE_MS) return `${sign}${(abs / SECOND_MS).toFixed(1)} s`;
  if (abs < HOUR_MS)
    return `${sign}${Math.floor(abs / MINUTE_MS)} min ${two(Math.floor((abs % MINUTE_MS) / SECOND_MS))} s`;
  if (abs < DAY_MS)
    return `${sign}${Math.floor(abs / HOUR_MS)} h ${two(Math.floor((abs % HOUR_MS) / MINUTE_MS))} min`;
  return `${sign}${Math.floor(abs / DAY_MS)} d ${two(Math.floor((abs % DAY_MS) / HOUR_MS))} h`;
}
