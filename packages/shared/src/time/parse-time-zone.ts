import { AppError } from '../errors/index.js';
import type { DurationMs, EpochMs } from './epoch.js';
import { HOUR_MS } from './epoch.js';

/** Date and time of day as a clock on a wall shows them. `month` counts from 1. */
export interface WallTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly millisecond: number;
}

/** Zones lie between UTC-12 and UTC+14; an hour more on both sides lets a search begin outside of any of them. */
const WEST_MS: DurationMs = -13 * HOUR_MS;
const EAST_MS: DurationMs = 15 * HOUR_MS;

/** Building a formatter costs a thousand times what using it costs; a program meets a handful of zones. */
const formatters = new Map<string, Intl.DateTimeFormat>();

function formatterFor(timeZone: string): Intl.DateTimeFormat {
  let formatter = formatters.get(timeZone);
  if (!formatter) {
    try {
      formatter = new Intl.DateTimeFormat('en-US-u-ca-iso8601-nu-latn', {
        timeZone,
        hourCycle: 'h23',
        year: 'numeric',
        month: 'numeric',
        day: 'numeric',
        hour: 'numeric',
        minute: 'numeric',
        second: 'numeric',
      });
    } catch (cause) {
      throw new AppError('ARGUMENT_INVALID', `no such time zone: ${JSON.stringify(timeZone)}`, {
        cause,
        hint: 'Name a zone of the IANA database, for example Europe/Berlin or UTC.',
      });
    }
    formatters.set(timeZone, formatter);
  }
  return formatter;
}

/**
 * What the clocks of a zone show at an instant.
 *
 * @throws AppError `ARGUMENT_INVALID` for a zone that this machine does not know
 */
export function wallTimeAt(instantMs: EpochMs, timeZone: string): WallTime {
  const parts: Record<string, number> = {};
  for (const { type, value } of formatterFor(timeZone).formatToParts(instantMs)) parts[type] = Number(value);
  const part = (name: string): number => parts[name] ?? 0;
  return {
    year: part('year'),
    month: part('month'),
    day: part('day'),
    hour: part('hour'),
    minute: part('minute'),
    second: part('second'),
    millisecond: ((instantMs % 1_000) + 1_000) % 1_000,
  };
}

/** The wall time read as if it were UTC: a number that can be compared and subtracted. */
export function asUtcMs(wall: WallTime): number {
  return Date.UTC(wall.year, wall.month - 1, wall.day, wall.hour, wall.minute, wall.second, wall.millisecond);
}

/** How far a zone's clocks are ahead of UTC at an instant. */
export function utcOffsetMs(instantMs: EpochMs, timeZone: string): DurationMs {
  return asUtcMs(wallTimeAt(instantMs, timeZone)) - instantMs;
}

/**
 * The instants at which a zone's clocks show `wall`, in order: one as a rule, two where clocks are put back, none where
 * they are put forward.
 */
export function instantsOf(wall: WallTime, timeZone: string): readonly EpochMs[] {
  const local = asUtcMs(wall);
  const offsets = new Set<DurationMs>();
  // The instant sought is local - offset, so every offset in force between the two extremes is a candidate. One step an
  // hour finds them all: no zone has ever changed twice within one.
  for (let at = local - EAST_MS; at <= local - WEST_MS; at += HOUR_MS) offsets.add(utcOffsetMs(at, timeZone));
  return [...offsets]
    .map((offsetMs) => local - offsetMs)
    .filter((instantMs) => local - instantMs === utcOffsetMs(instantMs, timeZone))
    .sort((a, b) => a - b);
}

/** The first instant at or after which a zone's clocks show `wall` or later, for midnights that clocks skip. */
export function firstInstantFrom(wall: WallTime, timeZone: string): EpochMs {
  const [first] = instantsOf(wall, timeZone);
  if (first !== undefined) return first;
  const local = asUtcMs(wall);
  let before = local - EAST_MS;
  let after = local - WEST_MS;
  // Wall time never reaches `wall` exactly, it jumps over it: halve until the jump lies between two milliseconds.
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (asUtcMs(wallTimeAt(middle, timeZone)) < local) before = middle;
    else after = middle;
  }
  return after;
}

/** An offset as RFC 3339 writes it: `Z`, `+02:00`, `-03:30`. */
export function offsetText(offsetMs: DurationMs): string {
  if (offsetMs === 0) return 'Z';
  const minutes = Math.round(Math.abs(offsetMs) / 60_000);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${offsetMs < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
