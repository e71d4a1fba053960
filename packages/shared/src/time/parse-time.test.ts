import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { AppError } from '../errors/index.js';
import { DAY_MS, HOUR_MS, MINUTE_MS } from './epoch.js';
import { formatUtc } from './format.js';
import { parseSpan, parseTime, spanText } from './parse-time.js';

const NOW = Date.UTC(2026, 10, 20, 13, 22, 7, 250);
const berlin = { nowMs: NOW, timeZone: 'Europe/Berlin' };

function failure(text: string, timeZone = 'Europe/Berlin'): AppError {
  try {
    parseTime(text, { nowMs: NOW, timeZone });
  } catch (thrown) {
    if (thrown instanceof AppError) return thrown;
    throw thrown;
  }
  throw new Error(`${text} was read`);
}

describe('parseTime', () => {
  test.each([
    ['2026-11-20T14:22:07+01:00', '2026-11-20T13:22:07.000Z', 'RFC 3339'],
    ['2026-11-20T13:22:07Z', '2026-11-20T13:22:07.000Z', 'RFC 3339 in UTC'],
    ['2026-11-20t13:22:07z', '2026-11-20T13:22:07.000Z', 'RFC 3339 in lower case'],
    ['2026-11-20T13:22:07.123987Z', '2026-11-20T13:22:07.123Z', 'finer than milliseconds'],
    ['2026-11-20T13:22:07.5-03:30', '2026-11-20T16:52:07.500Z', 'an offset west'],
    ['2026-12-31T23:59:60Z', '2027-01-01T00:00:00.000Z', 'a leap second'],
    ['2026-11-20 14:22', '2026-11-20T13:22:00.000Z', 'local, winter'],
    ['2026-07-20 14:22', '2026-07-20T12:22:00.000Z', 'local, summer'],
    ['2026-11-20T14:22:07.25', '2026-11-20T13:22:07.250Z', 'local with T and fraction'],
    ['2026-10-25 02:30+01:00', '2026-10-25T01:30:00.000Z', 'a repeated hour, told which'],
    ['2026-11-20', '2026-11-19T23:00:00.000Z', 'a day begins at its midnight'],
    ['14:22', '2026-11-20T13:22:00.000Z', 'today'],
    ['14:22:07', '2026-11-20T13:22:07.000Z', 'today with seconds'],
    ['9:05', '2026-11-20T08:05:00.000Z', 'one digit for the hour'],
    ['today 23:59', '2026-11-20T22:59:00.000Z', 'later today'],
    ['yesterday 23:00', '2026-11-19T22:00:00.000Z', 'yesterday'],
    ['Yest 23:00:01', '2026-11-19T22:00:01.000Z', 'the short word'],
    ['yesterday', '2026-11-18T23:00:00.000Z', 'a day by its word'],
    ['now', '2026-11-20T13:22:07.250Z', 'now'],
    ['-45m', '2026-11-20T12:37:07.250Z', 'minutes ago'],
    ['-1h30m', '2026-11-20T11:52:07.250Z', 'hours and minutes ago'],
    ['+2d', '2026-11-22T13:22:07.250Z', 'days ahead'],
    ['1795180927', '2026-11-20T13:22:07.000Z', 'seconds since 1970'],
    ['1795180927.25', '2026-11-20T13:22:07.250Z', 'seconds with a fraction'],
    ['1795180927250', '2026-11-20T13:22:07.250Z', 'milliseconds since 1970'],
    ['0', '1970-01-01T00:00:00.000Z', 'the epoch itself'],
    ['20261120T132207250Z', '2026-11-20T13:22:07.250Z', 'as file names write it'],
    ['  14:22 ', '2026-11-20T13:22:00.000Z', 'space around it'],
  ])('reads %s as %s: %s', (text, expected) => {
    expect(formatUtc(parseTime(text, berlin))).toBe(expected);
  });

  test.each([
    ['', 'nothing'],
    ['soon', 'a word'],
    ['45m', 'a length without a sign'],
    ['25:00', 'hour 25'],
    ['14:60', 'minute 60'],
    ['14:22:60', 'second 60 of a local time'],
    ['20.11. 14:22', 'a form of one country'],
    ['2026-02-29', 'a day that is not in the calendar'],
    ['2026-13-01 00:00', 'month 13'],
    ['2026-11-20T14:22:07+24:00', 'an offset of a day'],
    ['20261120', 'a date without dashes, which would be August 1970'],
    ['20261120142207', 'a date and time without dashes'],
    ['1969-12-31T23:59:59Z', 'before 1970'],
    ['-100000d', 'a length past 1970'],
    ['99999999999999999999', 'an instant past the year 9999'],
    ['now now', 'two words'],
  ])('refuses %j: %s', (text) => {
    expect(failure(text).code).toBe('ARGUMENT_INVALID');
  });

  it('names the accepted forms', () => {
    expect(failure('tomorrow-ish').hint).toContain('2026-11-20T14:22:07+01:00');
    expect(failure('20261120').hint).toBe('Write the date as 2026-11-20.');
  });

  it('bounds what it repeats of the text', () => {
    expect(failure('x'.repeat(10_000)).message.length).toBeLessThan(100);
  });

  it('refuses an unknown zone', () => {
    expect(failure('14:22', 'Europe/Berlinn').message).toBe('no such time zone: "Europe/Berlinn"');
  });

  it('says both ways to write a time that happened twice', () => {
    const { message, hint } = failure('2026-10-25 02:30');
    expect(message).toBe('2026-10-25 02:30 happened twice in Europe/Berlin: clocks were put back');
    expect(hint).toBe(
      'Write 2026-10-25T02:30:00+02:00 for the first time or 2026-10-25T02:30:00+01:00 for the second.',
    );
  });

  it('says between which times clocks jumped', () => {
    const { message, hint } = failure('2026-03-29 02:30');
    expect(message).toBe(
      '2026-03-29 02:30 never happened in Europe/Berlin: clocks were put forward from 02:00 to 03:00',
    );
    expect(hint).toBe('Write a time before 02:00 or from 03:00 on.');
  });

  it('names the day when a bare time of day is the one that is skipped', () => {
    const onTheDay = { nowMs: Date.UTC(2026, 2, 29, 12), timeZone: 'Europe/Berlin' };
    expect(() => parseTime('02:30', onTheDay)).toThrow('2026-03-29 02:30 never happened');
  });

  it('begins a day whose midnight is skipped when that day begins', () => {
    // Beirut puts its clocks forward at midnight.
    const start = parseTime('2026-03-29', { nowMs: NOW, timeZone: 'Asia/Beirut' });
    expect(formatUtc(start)).toBe('2026-03-28T22:00:00.000Z');
    expect(failure('2026-03-29 00:30', 'Asia/Beirut').message).toContain('from 00:00 to 01:00');
  });

  it('knows a zone that has left out a whole day', () => {
    expect(failure('2011-12-30 12:00', 'Pacific/Apia').message).toContain('never happened');
  });

  it('takes yesterday from the calendar, not from 24 hours ago', () => {
    // 00:30 on the day after a 25-hour day.
    const nowMs = Date.UTC(2026, 9, 25, 23, 30);
    expect(formatUtc(parseTime('yesterday 12:00', { nowMs, timeZone: 'Europe/Berlin' }))).toBe(
      '2026-10-25T11:00:00.000Z',
    );
  });

  it('reads back every instant that RFC 3339 can write', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) }),
        fc.integer({ min: -839, max: 839 }),
        (instantMs, offsetMinutes) => {
          const abs = Math.abs(offsetMinutes);
          const sign = offsetMinutes < 0 ? '-' : '+';
          const offset = `${sign}${String(Math.floor(abs / 60)).padStart(2, '0')}:${String(abs % 60).padStart(2, '0')}`;
          const local = new Date(instantMs + offsetMinutes * MINUTE_MS).toISOString().slice(0, 23);
          if (local.startsWith('-') || local.startsWith('+')) return;
          expect(parseTime(`${local}${offset}`, berlin)).toBe(instantMs);
        },
      ),
    );
  });
});

describe('parseTime on the nights when clocks change', () => {
  const zones = [
    'Europe/Berlin',
    'Europe/London',
    'Europe/Lisbon',
    'America/New_York',
    'America/Los_Angeles',
    'America/St_Johns',
    'America/Santiago',
    'Asia/Beirut',
    'Australia/Sydney',
    'Australia/Lord_Howe',
  ];

  /** What the zone's clocks show, to the minute, by a formatter that the code under test does not use. */
  function localMinutes(timeZone: string): (instantMs: number) => string {
    const format = new Intl.DateTimeFormat('sv-SE', {
      timeZone,
      dateStyle: 'short',
      timeStyle: 'short',
    });
    return (instantMs) => format.format(instantMs);
  }

  /** Instants in 2026 and 2027 at which the zone's offset changes, to the minute. */
  function changes(local: (instantMs: number) => string): number[] {
    const offset = (instantMs: number): number =>
      Date.parse(`${local(instantMs).replace(' ', 'T')}Z`) - instantMs;
    const found: number[] = [];
    for (let at = Date.UTC(2026, 0, 1); at < Date.UTC(2028, 0, 1); at += HOUR_MS) {
      if (offset(at) === offset(at + HOUR_MS)) continue;
      let minute = at;
      while (offset(minute) === offset(at)) minute += MINUTE_MS;
      found.push(minute);
    }
    return found;
  }

  test.each(zones)('%s: one instant reads, two ask which, none says so', (timeZone) => {
    const local = localMinutes(timeZone);
    const transitions = changes(local);
    expect(transitions).toHaveLength(4);
    for (const transition of transitions) {
      const shown = new Map<string, number[]>();
      for (let at = transition - 4 * HOUR_MS; at < transition + 4 * HOUR_MS; at += MINUTE_MS)
        shown.set(local(at), [...(shown.get(local(at)) ?? []), at]);
      const wallAt = (instantMs: number): number => Date.parse(`${local(instantMs).replace(' ', 'T')}Z`);
      fc.assert(
        fc.property(fc.integer({ min: -170, max: 170 }), (minutes) => {
          const wall = new Date(wallAt(transition) + minutes * MINUTE_MS).toISOString().slice(0, 16);
          const text = wall.replace('T', ' ');
          const instants = shown.get(text) ?? [];
          const context = { nowMs: NOW, timeZone };
          if (instants.length === 1) {
            expect(parseTime(text, context)).toBe(instants[0]);
            return;
          }
          const error = failure(text, timeZone);
          expect(error.message).toContain(instants.length === 0 ? 'never happened' : 'happened twice');
          if (instants.length === 0) return;
          // The hint's two ways are the two instants, in order.
          const ways = [...(error.hint ?? '').matchAll(/\d{4}-\S+/g)].map(([way]) => parseTime(way, context));
          expect(ways).toEqual(instants);
        }),
      );
    }
  });
});

describe('parseSpan', () => {
  test.each([
    ['500ms', 500],
    ['10s', 10_000],
    ['2m', 120_000],
    ['12h', 12 * HOUR_MS],
    ['30d', 30 * DAY_MS],
    ['1h30m', 90 * MINUTE_MS],
    ['1.5h', 90 * MINUTE_MS],
    ['1.1s', 1_100],
    ['0s', 0],
    ['1d2h3m4s5ms', DAY_MS + 2 * HOUR_MS + 3 * MINUTE_MS + 4_005],
  ])('reads %s', (text, expected) => {
    expect(parseSpan(text)).toBe(expected);
  });

  test.each(['', '10', 's', '-10s', '4 s', '30m1h', '1h1h', '0.5ms', '1.0001s', '1e3s', '99999999999999d'])(
    'does not read %j',
    (text) => {
      expect(parseSpan(text)).toBeUndefined();
    },
  );

  it('reads back what spanText writes', () => {
    fc.assert(
      fc.property(fc.nat({ max: 400 * DAY_MS }), (ms) => {
        expect(parseSpan(spanText(ms))).toBe(ms);
      }),
    );
    expect([0, 90_000, 12 * HOUR_MS, 1].map(spanText)).toEqual(['0s', '90s', '12h', '1ms']);
  });
});
