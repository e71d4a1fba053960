import { z } from 'zod';
import { quote } from '../ids/index.js';
import type { DurationMs } from '../time/index.js';
import { parseSpan, spanText } from '../time/index.js';
import { bitrateText, likelyBitrate, parseBitrate } from './bitrate-text.js';
import type { ListenAddress } from './listen-text.js';
import { likelyListen, listenText, parseListenAddress } from './listen-text.js';
import { nearestName } from './nearest-name.js';
import { likelySize, parseSize, sizeText } from './size-text.js';
import type { UnitBounds } from './unit-type.js';
import { found, meant, outside, unit } from './unit-type.js';

/** A length of time, in milliseconds once parsed. */
export function duration(bounds: UnitBounds = {}): z.ZodType<DurationMs, string> {
  return unit<DurationMs, string>(
    z.string({ error: ({ input }) => `Expected a duration like 10s, 2m or 12h${suggestSpan(input)}` }),
    {
      meta: { typeName: 'duration', examples: ['10s', '2m', '12h'], format: spanText },
      parse: parseSpan,
      refuse: outside(bounds, parseSpan, spanText),
      remedy: (text) =>
        `Expected a duration like 10s, 2m or 12h, found ${quote(text)}.${meant(likelySpan(text))}`,
    },
  );
}

/** A size in bytes once parsed: `200GB`, `512MiB`, or plain bytes. */
export function size(bounds: UnitBounds = {}): z.ZodType<number, string | number> {
  return unit<number, string | number>(
    z.union([z.string(), z.int().nonnegative()], {
      error: ({ input }) => `Expected a size like 200GB or 512MiB, found ${found(input)}.`,
    }),
    {
      meta: { typeName: 'size', examples: ['200GB', '512MiB'], format: sizeText },
      parse: (value) => parseSize(String(value)),
      refuse: outside(bounds, parseSize, sizeText),
      remedy: (value) =>
        `Expected a size like 200GB or 512MiB, found ${quote(value)}.${meant(likelySize(String(value)))}`,
    },
  );
}

/** A part of a whole, from 0 to 1 once parsed: `50%`. */
export function share(bounds: UnitBounds = {}): z.ZodType<number, string> {
  const expected = 'Expected a share like 50%';
  return unit<number, string>(z.string({ error: ({ input }) => `${expected}, found ${found(input)}.` }), {
    meta: { typeName: 'share', examples: ['50%', '2.5%'], format: shareText },
    parse: parseShare,
    refuse: outside({ min: '0%', max: '100%', ...bounds }, parseShare, shareText),
    remedy: (text) => `${expected}, found ${quote(text)}.`,
  });
}

function parseShare(text: string): number | undefined {
  const match = /^(\d{1,3}(?:\.\d{1,4})?)%$/.exec(text);
  return match ? Number(match[1]) / 100 : undefined;
}

function shareText(ratio: number): string {
  return `${Number((ratio * 100).toFixed(4))}%`;
}

/** A rate in bytes per second once parsed: `2Mbit/s`, `1.5MB/s`. */
export function bitrate(bounds: UnitBounds = {}): z.ZodType<number, string> {
  return unit<number, string>(
    z.string({ error: ({ input }) => `Expected a rate like 2Mbit/s or 1.5MB/s, found ${found(input)}.` }),
    {
      meta: { typeName: 'rate', examples: ['2Mbit/s', '800kbit/s', '1.5MB/s'], format: bitrateText },
      parse: parseBitrate,
      refuse: outside(bounds, parseBitrate, bitrateText),
      remedy: (text) =>
        `Expected a rate like 2Mbit/s or 1.5MB/s, found ${quote(text)}.${meant(likelyBitrate(text))}`,
    },
  );
}

/** Where to listen: `0.0.0.0:8080`, `[::1]:8080`, port 0 for any free one. */
export function listenAddress(): z.ZodType<ListenAddress, string> {
  const expected = 'Expected an address to listen on, like 0.0.0.0:8080 or [::1]:8080';
  return unit<ListenAddress, string>(
    z.string({
      error: ({ input }) => `${expected}, found ${found(input)}.${meant(likelyListen(String(input)))}`,
    }),
    {
      meta: { typeName: 'address', examples: ['0.0.0.0:8080', '[::1]:8080'], format: listenText },
      parse: parseListenAddress,
      remedy: (text) => `${expected}, found ${quote(text)}.${meant(likelyListen(text))}`,
    },
  );
}

/** The name of an IANA time zone: `Europe/Berlin`. An offset like `+01:00` is none, since it knows no summer time. */
export function timeZone(): z.ZodType<string, string> {
  const expected = 'Expected a time zone of the IANA database, like Europe/Berlin or UTC';
  return unit<string, string>(z.string({ error: ({ input }) => `${expected}, found ${found(input)}.` }), {
    meta: { typeName: 'time zone', examples: ['Europe/Berlin', 'UTC'], format: (zone: string) => zone },
    parse: (text) => (isTimeZone(text) ? text : undefined),
    remedy: (text) =>
      `${expected}, found ${quote(text)}.${meant(nearestName(text, Intl.supportedValuesOf('timeZone')))}`,
  });
}

function suggestSpan(input: unknown): string {
  if (typeof input !== 'number') return `, found ${found(input)}.`;
  return `; the number ${input} has no unit. Did you mean ${input}s?`;
}

/** `4 s`, `4sec`, `10 Minutes`; not `2 months`, which no unit here is. */
function likelySpan(text: string): string | undefined {
  const match = /^\s*(\d+(?:[.,]\d+)?)\s*([a-z]+)?\s*$/i.exec(text);
  if (!match) return undefined;
  const [, amount = '', word = 's'] = match;
  const lower = word.toLowerCase();
  if (lower.startsWith('mo')) return undefined;
  const unitName = ['ms', 'mil'].some((start) => lower.startsWith(start)) ? 'ms' : lower.slice(0, 1);
  const likely = `${amount.replace(',', '.')}${unitName}`;
  return parseSpan(likely) === undefined ? undefined : likely;
}

function isTimeZone(text: string): boolean {
  // Newer engines also take offsets, which are no zones.
  if (!/^[A-Za-z]/.test(text)) return false;
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: text });
    return true;
  } catch {
    return false;
  }
}
