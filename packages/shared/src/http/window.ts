import { toAppError } from '../errors/index.js';
import type { Range } from '../interval/index.js';
import type { Clock, DurationMs, EpochMs, ParseTimeContext } from '../time/index.js';
import { DAY_MS, formatUtc, parseTime } from '../time/index.js';
import { z } from 'zod';
import type { FieldError } from './problem.js';
import { invalidField } from './problem.js';

export const instant = z.iso
  .datetime()
  .describe('RFC 3339, UTC, milliseconds')
  .meta({ example: '2026-11-20T13:22:07.000Z' });

/** As people and programs write times in a query; see {@link parseTime}. */
export const timeText = z.string().min(1).max(64);

export const window = z.object({
  from: timeText
    .optional()
    .describe('Start: RFC 3339, epoch seconds or milliseconds, or relative like -45m')
    .meta({ example: '-1h' }),
  to: timeText.optional().describe('End, exclusive; by default now').meta({ example: 'now' }),
});

/** The longest window that one question may span. */
const MAX_WINDOW_MS: DurationMs = 400 * DAY_MS;

/** What times in a question are counted from. */
export interface TimePort {
  readonly clock: Clock;
  readonly timeZone: string;
}

/** A range as a caller wrote it, and where, so that an error points there. */
export interface TypedRange {
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly in: FieldError['in'];
  /** JSON pointer to what holds `from` and `to`; empty for a query. */
  readonly pointer: string;
}

/**
 * The window that a query asks for; without `to` it ends now, without `from` it lasts `defaultMs`.
 *
 * @throws ARGUMENT_INVALID, pointing to the parameter, when it is empty, reversed, too long or not a time
 */
export function windowOf(port: TimePort, query: z.infer<typeof window>, defaultMs: DurationMs): Range {
  return rangeOf(port, { from: query.from, to: query.to, in: 'query', pointer: '' }, defaultMs);
}

/**
 * The instant that a query asks for.
 *
 * @throws ARGUMENT_INVALID, pointing to the parameter
 */
export function instantOf({ clock, timeZone }: TimePort, text: string, pointer: string): EpochMs {
  return readTime(text, { nowMs: clock.nowMs(), timeZone }, { in: 'query', pointer });
}

/** As {@link windowOf}, for a range that stands anywhere in a request. */
export function rangeOf(port: TimePort, typed: TypedRange, defaultMs: DurationMs): Range {
  const nowMs = port.clock.nowMs();
  const read = (text: string, name: string): EpochMs =>
    readTime(text, { nowMs, timeZone: port.timeZone }, { in: typed.in, pointer: `${typed.pointer}/${name}` });
  const endMs = typed.to === undefined ? nowMs : read(typed.to, 'to');
  const startMs = typed.from === undefined ? endMs - defaultMs : read(typed.from, 'from');
  if (startMs >= endMs) {
    throw invalidField(
      typed.in,
      `${typed.pointer}/from`,
      `${formatUtc(startMs)} must be before to (${formatUtc(endMs)})`,
    );
  }
  if (endMs - startMs > MAX_WINDOW_MS)
    throw invalidField(typed.in, `${typed.pointer}/from`, 'a window spans at most 400 days');
  return { startMs, endMs };
}

function readTime(
  text: string,
  context: ParseTimeContext,
  place: Pick<FieldError, 'in' | 'pointer'>,
): EpochMs {
  try {
    return parseTime(text, context);
  } catch (thrown) {
    throw invalidField(place.in, place.pointer, toAppError(thrown));
  }
}
