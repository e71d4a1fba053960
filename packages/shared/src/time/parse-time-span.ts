import type { DurationMs } from './epoch.js';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from './epoch.js';

const UNIT_MS: Readonly<Record<string, DurationMs>> = {
  d: DAY_MS,
  h: HOUR_MS,
  m: MINUTE_MS,
  s: SECOND_MS,
  ms: 1,
};

/** Largest unit first and each at most once, so that `90m` and `1h30m` read, and `30m1h` or `1h1h` do not. */
const SPAN =
  /^(?:(\d+(?:\.\d+)?)d)?(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+)ms)?$/;

/**
 * Reads a length of time as a person types it: `500ms`, `10s`, `2m`, `1.5h`, `1h30m`, `30d`. A day is 24 hours.
 * `undefined` when the text is anything else, has no unit, or is not a whole number of milliseconds.
 */
export function parseSpan(text: string): DurationMs | undefined {
  const match = SPAN.exec(text);
  if (!match || text === '') return undefined;
  let totalMs = 0;
  for (const [index, unit] of ['d', 'h', 'm', 's', 'ms'].entries()) {
    const amount = match[index + 1];
    if (amount !== undefined) totalMs += Number(amount) * UNIT_MS[unit]!;
  }
  // 1.1 s is 1100.0000000000002 in floating point; what is a hair off a whole millisecond is that millisecond.
  const wholeMs = Math.round(totalMs);
  return Number.isSafeInteger(wholeMs) && Math.abs(totalMs - wholeMs) < 1e-6 ? wholeMs : undefined;
}

/** Writes a length so that {@link parseSpan} reads the same back, in the largest unit that divides it: `90s`, `12h`. */
export function spanText(ms: DurationMs): string {
  for (const unit of ['d', 'h', 'm', 's']) {
    const unitMs = UNIT_MS[unit]!;
    if (ms !== 0 && ms % unitMs === 0) return `${ms / unitMs}${unit}`;
  }
  return ms === 0 ? '0s' : `${ms}ms`;
}
