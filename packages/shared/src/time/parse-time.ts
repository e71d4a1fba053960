import { AppError } from '../errors/index.js';
import type { EpochMs } from './epoch.js';
import { isEpochMs } from './epoch.js';
import { parseCompactUtc } from './format.js';
import { parseSpan } from './parse-time-span.js';
import type { WallTime } from './parse-time-zone.js';
import {
  asUtcMs,
  firstInstantFrom,
  instantsOf,
  offsetText,
  utcOffsetMs,
  wallTimeAt,
} from './parse-time-zone.js';

export { parseSpan, spanText } from './parse-time-span.js';

export interface ParseTimeContext {
  /** What `now`, `-45m`, `14:22` and `yesterday` are counted from. */
  readonly nowMs: EpochMs;
  /** IANA zone in which times without an offset are meant: `Europe/Berlin`. */
  readonly timeZone: string;
}

/** The forms that {@link parseTime} reads, for help texts and hints. */
export const TIME_FORMS =
  '2026-11-20T14:22:07+01:00, "2026-11-20 14:22", 2026-11-20, 14:22, 14:22:07, "yesterday 23:00", -45m, -1h30m, now, ' +
  'or seconds or milliseconds since 1970';

/**
 * Integers from here on are milliseconds since 1970, below it seconds. As seconds it would be the year 5138, as
 * milliseconds it is March 1973: neither can be footage.
 */
const FIRST_MILLISECONDS = 1e11;

const TIME_OF_DAY = String.raw`([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d|60)(?:[.,](\d{1,9}))?)?`;
const DATED = new RegExp(
  String.raw`^(\d{4})-(\d\d)-(\d\d)(?:[Tt ]${TIME_OF_DAY}\s?([Zz]|[+-](?:[01]\d|2[0-3]):?[0-5]\d)?)?$`,
);
const NAMED_DAY = new RegExp(String.raw`^(?:(today|yesterday|yest)\s*)?(?:\b${TIME_OF_DAY})?$`, 'i');

/**
 * Reads a time as a person types it; see {@link TIME_FORMS}. Without an offset it is meant in `timeZone`, and a date
 * without a time is the first instant of that day there. Pure: the same arguments always give the same instant.
 *
 * @returns the instant; a fraction finer than milliseconds is cut off
 * @throws AppError `ARGUMENT_INVALID` for any other text, for a time that the zone's clocks skip, and for one that they
 *   show twice; the hint then gives the two ways to say which
 */
export function parseTime(text: string, context: ParseTimeContext): EpochMs {
  const typed = text.trim();
  const instantMs =
    parseRelative(typed, context.nowMs) ??
    parseEpoch(typed) ??
    parseCompactUtc(typed) ??
    parseDated(typed, context) ??
    parseTimeOfDay(typed, context);
  if (instantMs === undefined) throw invalid(`not a time: ${shown(typed)}`, `Write a time as ${TIME_FORMS}.`);
  if (!isEpochMs(instantMs))
    throw invalid(`out of range: ${shown(typed)}`, 'Times lie between the years 1970 and 9999.');
  return instantMs;
}

/** `now`, `-45m`, `+1h30m`. */
function parseRelative(typed: string, nowMs: EpochMs): EpochMs | undefined {
  if (/^now$/i.test(typed)) return nowMs;
  const sign = typed.startsWith('-') ? -1 : typed.startsWith('+') ? 1 : 0;
  const spanMs = sign === 0 ? undefined : parseSpan(typed.slice(1));
  return spanMs === undefined ? undefined : nowMs + sign * spanMs;
}

/** Seconds (with a fraction, if any) or milliseconds since 1970. */
function parseEpoch(typed: string): EpochMs | undefined {
  if (!/^\d+(\.\d+)?$/.test(typed)) return undefined;
  // 20261120 would be a day in August 1970, 20261120142207 one in the year 2612: nobody means that.
  const date = /^((?:19|20)\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?:\d{4}|\d{6})?$/.exec(typed);
  if (date)
    throw invalid(
      `${shown(typed)} looks like a date, but a plain number counts from 1970`,
      `Write the date as ${date[1] ?? ''}-${date[2] ?? ''}-${date[3] ?? ''}.`,
    );
  const number = Number(typed);
  return number >= FIRST_MILLISECONDS ? Math.floor(number) : Math.floor(number * 1_000 + 1e-4);
}

/** RFC 3339, and the same with a space, without seconds, without an offset or without a time. */
function parseDated(typed: string, context: ParseTimeContext): EpochMs | undefined {
  const match = DATED.exec(typed);
  if (!match) return undefined;
  const [, year, month, day, hour, minute, second, fraction, offset] = match;
  const date = { year: Number(year), month: Number(month), day: Number(day) };
  if (!isDate(date)) throw invalid(`there is no ${typed.slice(0, 10)} in the calendar`);
  if (hour === undefined) return startOfDay(date, context.timeZone);
  const wall = { ...date, ...timeOfDay(hour, minute, second, fraction) };
  // RFC 3339 section 5.6 lets a leap second be written as :60; with it goes the first instant of the next minute.
  if (offset !== undefined) return asUtcMs(wall) - offsetMsOf(offset);
  return uniqueInstant(wall, typed, context.timeZone);
}

/** `14:22`, `14:22:07`, `yesterday 23:00`, `yesterday`, `today`. */
function parseTimeOfDay(typed: string, context: ParseTimeContext): EpochMs | undefined {
  const match = typed === '' ? undefined : NAMED_DAY.exec(typed);
  if (!match) return undefined;
  const [, named, hour, minute, second, fraction] = match;
  const today = wallTimeAt(context.nowMs, context.timeZone);
  const back = named !== undefined && named.toLowerCase() !== 'today' ? 1 : 0;
  const shifted = new Date(Date.UTC(today.year, today.month - 1, today.day - back));
  const date = {
    year: shifted.getUTCFullYear(),
    month: shifted.getUTCMonth() + 1,
    day: shifted.getUTCDate(),
  };
  if (hour === undefined) return startOfDay(date, context.timeZone);
  return uniqueInstant(
    { ...date, ...timeOfDay(hour, minute, second, fraction) },
    `${dateText(date)} ${typed.replace(/^[a-z]+\s*/i, '')}`,
    context.timeZone,
  );
}

type CalendarDay = Pick<WallTime, 'year' | 'month' | 'day'>;
type TimeOfDay = Pick<WallTime, 'hour' | 'minute' | 'second' | 'millisecond'>;

function timeOfDay(hour: string, minute?: string, second = '0', fraction = ''): TimeOfDay {
  return {
    hour: Number(hour),
    minute: Number(minute),
    second: Number(second),
    millisecond: Number(fraction.slice(0, 3).padEnd(3, '0')),
  };
}

function isDate({ year, month, day }: CalendarDay): boolean {
  return (
    month >= 1 && month <= 12 && day >= 1 && new Date(Date.UTC(year, month - 1, day)).getUTCDate() === day
  );
}

function startOfDay(date: CalendarDay, timeZone: string): EpochMs {
  return firstInstantFrom({ ...date, hour: 0, minute: 0, second: 0, millisecond: 0 }, timeZone);
}

function offsetMsOf(offset: string): number {
  if (/^z$/i.test(offset)) return 0;
  const minutes = Number(offset.slice(1, 3)) * 60 + Number(offset.slice(-2));
  return (offset.startsWith('-') ? -1 : 1) * minutes * 60_000;
}

/** The one instant at which the zone's clocks show `wall`; says why when there are two or none. */
function uniqueInstant(wall: WallTime, typed: string, timeZone: string): EpochMs {
  if (wall.second === 60) throw invalid(`not a time: ${shown(typed)}`, 'Seconds go from 00 to 59.');
  const [first, second] = instantsOf(wall, timeZone);
  if (first === undefined) {
    const after = firstInstantFrom(wall, timeZone);
    const from = clockText(asUtcMs(wallTimeAt(after - 1, timeZone)) + 1);
    const to = clockText(asUtcMs(wallTimeAt(after, timeZone)));
    throw invalid(
      `${typed} never happened in ${timeZone}: clocks were put forward from ${from} to ${to}`,
      `Write a time before ${from} or from ${to} on.`,
    );
  }
  if (second === undefined) return first;
  const both = [first, second].map((instantMs) => withOffset(wall, utcOffsetMs(instantMs, timeZone)));
  throw invalid(
    `${typed} happened twice in ${timeZone}: clocks were put back`,
    `Write ${both[0] ?? ''} for the first time or ${both[1] ?? ''} for the second.`,
  );
}

function withOffset(wall: WallTime, offsetMs: number): string {
  const text = new Date(asUtcMs(wall)).toISOString();
  return `${wall.millisecond === 0 ? text.slice(0, 19) : text.slice(0, 23)}${offsetText(offsetMs)}`;
}

function clockText(asUtc: number): string {
  return new Date(asUtc).toISOString().slice(11, 16);
}

function dateText(date: CalendarDay): string {
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${String(date.year).padStart(4, '0')}-${two(date.month)}-${two(date.day)}`;
}

function shown(typed: string): string {
  return JSON.stringify(typed.length <= 60 ? typed : `${typed.slice(0, 57)}...`);
}

function invalid(message: string, hint?: string): AppError {
  return new AppError('ARGUMENT_INVALID', message, hint === undefined ? {} : { hint });
}
