import type { z } from 'zod';
import { nearestName } from './nearest-name.js';
import { found, meant } from './unit-type.js';

/** How the formats of zod's string schemas are written, for people. */
const FORMATS: Readonly<Record<string, string>> = {
  url: 'a URL like https://host/path',
  email: 'an e-mail address',
  ipv4: 'an IPv4 address like 10.0.0.1',
  ipv6: 'an IPv6 address like fd00::1',
  cidrv4: 'a network like 10.20.0.0/16',
  cidrv6: 'a network like fd00::/8',
  datetime: 'a time like 2026-11-20T13:22:07Z',
  date: 'a date like 2026-11-20',
  time: 'a time of day like 23:00:00',
  uuid: 'a UUID',
  base64: 'base64 text',
  hex: 'hexadecimal digits',
};

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a section of keys',
  record: 'a section of names',
  array: 'a list like [a, b]',
};

/** Replaces zod's phrasing for every issue that the schema itself has no sentence for. */
export function sentenceFor(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `Expected ${TYPES[issue.expected] ?? issue.expected}, found ${kindOf(issue.input)}.${remedyFor(issue)}`;
    case 'invalid_value':
      return oneOf(issue.values, issue.input);
    case 'too_small':
      return bound(issue, 'least', issue.minimum);
    case 'too_big':
      return bound(issue, 'most', issue.maximum);
    case 'invalid_format':
      return `Expected ${formatOf(issue)}, found ${found(issue.input)}.`;
    case 'not_multiple_of':
      return `Must be a multiple of ${issue.divisor}, found ${found(issue.input)}.`;
    case 'unrecognized_keys':
      return `Unknown key ${issue.keys.map((key) => `"${key}"`).join(', ')}.`;
    case 'invalid_key':
      return `${found(issue.input)} cannot be a name here.`;
    case 'invalid_union':
    case 'invalid_element':
    case 'custom':
      return `${found(issue.input)} is not possible here.`;
  }
}

/** One of a few words; with the nearest, if one is near. */
export function oneOf(values: readonly unknown[], input: unknown): string {
  const words = values.map(String);
  const list =
    words.length === 1 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} or ${words.at(-1) ?? ''}`;
  const near = typeof input === 'string' ? nearestName(input, words) : undefined;
  return `Expected ${list}, found ${kindOf(input)}.${meant(near)}`;
}

/** The value with its type where the type is what is wrong: `the number 42`, `the text "yes"`. */
function kindOf(input: unknown): string {
  if (typeof input === 'number') return `the number ${input}`;
  if (typeof input === 'string') return `the text ${found(input)}`;
  return found(input);
}

function remedyFor(issue: { readonly expected: string; readonly input: unknown }): string {
  const { expected, input } = issue;
  if (expected === 'string' && (typeof input === 'number' || typeof input === 'boolean'))
    return ' Put it in quotes to make it text.';
  if (expected === 'boolean' && typeof input === 'string') {
    if (/^(yes|on|y)$/i.test(input)) return ' Write true.';
    if (/^(no|off|n)$/i.test(input)) return ' Write false.';
  }
  if ((expected === 'number' || expected === 'int') && typeof input === 'string' && /^\d+$/.test(input))
    return ' Write it without quotes.';
  if (expected === 'array' && typeof input === 'string') return ` Write [${input.slice(0, 40)}].`;
  return '';
}

function bound(
  issue: { readonly origin: string; readonly inclusive?: boolean; readonly input: unknown },
  word: 'least' | 'most',
  limit: number | bigint,
): string {
  const number = Number(limit);
  const open = issue.inclusive === false;
  if (issue.origin === 'string') {
    if (issue.input === '') return 'Must not be empty.';
    return `Must have at ${word} ${number} characters, found ${String(issue.input).length}.`;
  }
  if (issue.origin === 'array' || issue.origin === 'set')
    return number === 1 && word === 'least'
      ? 'Needs at least one entry.'
      : `Must have at ${word} ${number} entries.`;
  const than = word === 'least' ? 'more than' : 'less than';
  return `Must be ${open ? than : `at ${word}`} ${number}, found ${found(issue.input)}.`;
}

function formatOf(issue: {
  readonly format: string;
  readonly prefix?: unknown;
  readonly suffix?: unknown;
}): string {
  if (issue.format === 'starts_with') return `text that begins with "${String(issue.prefix)}"`;
  if (issue.format === 'ends_with') return `text that ends with "${String(issue.suffix)}"`;
  return FORMATS[issue.format] ?? 'another form';
}
