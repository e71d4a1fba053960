import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import type { z } from 'zod';
import { bitrateText, parseBitrate } from './bitrate-text.js';
import { listenText, parseListenAddress } from './listen-text.js';
import { parseSize, sizeText } from './size-text.js';
import { bitrate, duration, listenAddress, share, size, timeZone } from './units.js';

function sentence(schema: z.ZodType, value: unknown): string {
  return schema.safeParse(value).error?.issues[0]?.message ?? 'accepted';
}

describe('duration', () => {
  test.each([
    [10, 'Expected a duration like 10s, 2m or 12h; the number 10 has no unit. Did you mean 10s?'],
    ['10', 'Expected a duration like 10s, 2m or 12h, found "10". Did you mean 10s?'],
    ['10 minutes', 'Expected a duration like 10s, 2m or 12h, found "10 minutes". Did you mean 10m?'],
    ['2 months', 'Expected a duration like 10s, 2m or 12h, found "2 months".'],
    [true, 'Expected a duration like 10s, 2m or 12h, found true.'],
    ['500ms', 'Must be at least 1s, found 500ms.'],
    ['2h', 'Must be at most 1h, found 2h.'],
    ['1h', 'accepted'],
  ])('of %j says: %s', (value, expected) => {
    expect(sentence(duration({ min: '1s', max: '60m' }), value)).toBe(expected);
  });
});

describe('size', () => {
  it('tells decimal from binary prefixes', () => {
    expect(
      ['200GB', '512MiB', '64KiB', '1.5TB', '1kB', '7B', '42'].map((text) => size().parse(text)),
    ).toEqual([200e9, 512 * 2 ** 20, 65_536, 1.5e12, 1_000, 7, 42]);
    expect(size().parse(4096)).toBe(4096);
  });

  test.each(['200G', '200gb', '-1GB', '1.5B', '1e9', 'GB', '', '9007199254740993', '1Gbit'])(
    'refuses %j',
    (text) => {
      expect(parseSize(text)).toBeUndefined();
    },
  );

  it('reads back what sizeText writes', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (bytes) => {
        expect(parseSize(sizeText(bytes))).toBe(bytes);
      }),
    );
    expect([200e9, 65_536, 1_234_567, 0].map(sizeText)).toEqual(['200GB', '64KiB', '1234567', '0']);
  });
});

describe('share', () => {
  test.each([
    ['50%', 'accepted'],
    ['100%', 'accepted'],
    [0.5, 'Expected a share like 50%, found 0.5.'],
    ['0.5', 'Expected a share like 50%, found "0.5".'],
    ['120%', 'Must be at most 90%, found 120%.'],
    ['5%', 'Must be at least 10%, found 5%.'],
  ])('of %j says: %s', (value, expected) => {
    const bounds = value === '100%' ? {} : { min: '10%', max: '90%' };
    expect(sentence(share(bounds), value)).toBe(expected);
  });

  it('is a ratio', () => {
    expect(['50%', '2.5%', '0%'].map((text) => share().parse(text))).toEqual([0.5, 0.025, 0]);
  });
});

describe('bitrate', () => {
  it('is bytes per second', () => {
    expect(
      ['2Mbit/s', '800kbit/s', '1.5MB/s', '1MiB/s', '9600bit/s'].map((text) => bitrate().parse(text)),
    ).toEqual([250_000, 100_000, 1_500_000, 1_048_576, 1_200]);
  });

  test.each([
    ['2Mb/s', 'Expected a rate like 2Mbit/s or 1.5MB/s, found "2Mb/s".'],
    ['2 Mbps', 'Expected a rate like 2Mbit/s or 1.5MB/s, found "2 Mbps". Did you mean 2Mbit/s?'],
    ['800 KBit', 'Expected a rate like 2Mbit/s or 1.5MB/s, found "800 KBit". Did you mean 800kbit/s?'],
    [5, 'Expected a rate like 2Mbit/s or 1.5MB/s, found 5.'],
  ])('of %j says: %s', (value, expected) => {
    expect(sentence(bitrate(), value)).toBe(expected);
  });

  it('reads back what bitrateText writes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e12 }), (rate) => {
        expect(parseBitrate(bitrateText(rate))).toBe(rate);
      }),
    );
    expect([250_000, 125e6, 1_234_567].map(bitrateText)).toEqual(['2Mbit/s', '1Gbit/s', '1234567B/s']);
  });
});

describe('listenAddress', () => {
  test.each([
    ['0.0.0.0:8080', { host: '0.0.0.0', port: 8080 }],
    ['[::1]:8080', { host: '::1', port: 8080 }],
    ['[::]:0', { host: '::', port: 0 }],
    ['localhost:65535', { host: 'localhost', port: 65_535 }],
    ['edge-7.fleet.example:22', { host: 'edge-7.fleet.example', port: 22 }],
  ])('reads %s and writes it back', (text, expected) => {
    expect(listenAddress().parse(text)).toEqual(expected);
    expect(listenText(expected)).toBe(text);
  });

  test.each([
    ':8080',
    '0.0.0.0',
    '256.0.0.1:80',
    '1.2.3:80',
    'localhost:65536',
    '::1:8080',
    '[:::1]:80',
    '[localhost]:80',
    'http://x:80',
    'a b:80',
    '-x:80',
  ])('refuses %j', (text) => {
    expect(parseListenAddress(text)).toBeUndefined();
  });

  test.each([
    [':8080', '0.0.0.0:8080'],
    ['8080', '127.0.0.1:8080'],
    ['::1:8080', '[::1]:8080'],
    ['localhost', 'localhost:8080'],
  ])('of %s asks whether %s was meant', (text, likely) => {
    expect(sentence(listenAddress(), text)).toContain(`Did you mean ${likely}?`);
  });
});

describe('timeZone', () => {
  it('takes zones and refuses offsets', () => {
    expect(timeZone().parse('Europe/Berlin')).toBe('Europe/Berlin');
    expect(sentence(timeZone(), '+01:00')).toContain('IANA');
  });
});
