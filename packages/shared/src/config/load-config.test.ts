import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { z } from 'zod';
import { AppError } from '../errors/index.js';
import type { ConfigOverride } from './overrides.js';
import { configWarnings, loadConfig, parseConfig } from './load-config.js';
import { Secret, secret } from './secret.js';
import { duration, listenAddress, size, timeZone } from './units.js';

const lens = z.union([
  z.strictObject({
    input: z.url().describe('Where the video comes from.'),
    live: z.enum(['push', 'off']).default('push'),
    segment: duration({ min: '1s', max: '1m' }).prefault('10s'),
  }),
  z.strictObject({ adopt: z.strictObject({ dir: z.string() }) }),
]);

const schema = z.strictObject({
  vehicle: z.string().describe('Name of the vehicle, fleet-wide'),
  http: z.strictObject({ listen: listenAddress().prefault('127.0.0.1:8080') }).prefault({}),
  storage: z
    .strictObject({
      maxSize: size({ min: '1GB' }).prefault('200GB'),
      minFree: size().prefault('2GB'),
      whenFull: z.enum(['evict-oldest', 'stop']).default('evict-oldest'),
      workers: z.int().min(1).max(16).default(2),
      sync: z.boolean().default(true),
    })
    .refine((storage) => storage.minFree < storage.maxSize, {
      message: 'minFree must be smaller than maxSize.',
      path: ['minFree'],
    })
    .prefault({}),
  // Deliberately not strict: the loader has to notice unknown keys all the same.
  network: z.object({ cidr: z.array(z.cidrv4()).min(1).optional() }).prefault({}),
  password: secret().optional(),
  timeZone: timeZone().default('UTC'),
  lenses: z.record(z.string().regex(/^[a-z]+$/, 'Use lower-case letters.'), lens).default({}),
});

function problems(text: string, overrides: readonly ConfigOverride[] = []): string {
  try {
    parseConfig(text, { schema, path: 'edge.yml', overrides });
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(AppError);
    expect((thrown as AppError).code).toBe('CONFIG_INVALID');
    return (thrown as AppError).message;
  }
  throw new Error('accepted');
}

/** The sentences alone, without place and excerpt. */
function sentences(text: string): string[] {
  return [...problems(text).matchAll(/^ {5}(?:\| *\^)? ?(.*)$/gm)].map((match) => match[1] ?? '');
}

describe('parseConfig', () => {
  it('returns parsed values with defaults, frozen all the way down', () => {
    const config = parseConfig('vehicle: bus-042\nlenses:\n  front: { input: "rtsp://10.0.0.11/main" }\n', {
      schema,
    });
    expect(config).toEqual({
      vehicle: 'bus-042',
      http: { listen: { host: '127.0.0.1', port: 8080 } },
      storage: { maxSize: 200e9, minFree: 2e9, whenFull: 'evict-oldest', workers: 2, sync: true },
      network: {},
      timeZone: 'UTC',
      lenses: { front: { input: 'rtsp://10.0.0.11/main', live: 'push', segment: 10_000 } },
    });
    expect(Object.isFrozen(config.lenses)).toBe(true);
    expect(Object.isFrozen(config.lenses['front'])).toBe(true);
  });

  it('shows place, key, line, caret and remedy of every problem at once', () => {
    const text = [
      'vehicle: bus-042',
      'storage:',
      '  maxSize: 200gb',
      '  whenFull: evict-oldst',
      'lenses:',
      '  front:',
      '    input: rtsp://10.0.0.11/main',
      '    segmnt: 4s',
      '  rear:',
      '    input: rtsp://10.0.0.12/main',
      '    segment: 4 s',
    ].join('\n');
    expect(problems(text)).toBe(
      `edge.yml:3:12  storage.maxSize
   3 |   maxSize: 200gb
     |            ^ Expected a size like 200GB or 512MiB, found "200gb". Did you mean 200GB?
edge.yml:4:13  storage.whenFull
   4 |   whenFull: evict-oldst
     |             ^ Expected evict-oldest or stop, found the text "evict-oldst". Did you mean evict-oldest?
edge.yml:8:5  lenses.front.segmnt
   8 |     segmnt: 4s
     |     ^ Unknown key "segmnt". Did you mean "segment"?
edge.yml:11:14  lenses.rear.segment
  11 |     segment: 4 s
     |              ^ Expected a duration like 10s, 2m or 12h, found "4 s". Did you mean 4s?
4 problems in edge.yml. Nothing was changed.`,
    );
  });

  test.each([
    ['', 'The key "vehicle" is missing. vehicle: Name of the vehicle, fleet-wide.'],
    ['vehicle: 42', 'Expected text, found the number 42. Put it in quotes to make it text.'],
    ['vehicle:', '"vehicle" has no value. Write one (text), or remove the line.'],
    [
      'vehicle: a\nstorage:',
      '"storage" has no value. Write its keys below it, indented, or remove the line.',
    ],
    ['vehicle: a\nstorage: big', 'Expected a section of keys, found the text "big".'],
    ['vehicle: a\nstorage: { max_size: 5GB }', 'Unknown key "max_size". Did you mean "maxSize"?'],
    ['vehicle: a\nmaxSize: 5GB', 'Unknown key "maxSize". It belongs under "storage".'],
    ['vehicle: a\nhttp: { colour: red }', 'Unknown key "colour". Known here: listen.'],
    ['vehicle: a\nnetwork: { cdir: [10.0.0.0/8] }', 'Unknown key "cdir". Did you mean "cidr"?'],
    [
      'vehicle: a\nnetwork: { cidr: 10.0.0.0/8 }',
      'Expected a list like [a, b], found the text "10.0.0.0/8". Write [10.0.0.0/8].',
    ],
    ['vehicle: a\nnetwork: { cidr: [] }', 'Needs at least one entry.'],
    ['vehicle: a\nnetwork: { cidr: [10.0.0.0] }', 'Expected a network like 10.20.0.0/16, found "10.0.0.0".'],
    ['vehicle: a\nstorage: { sync: yes }', 'Expected true or false, found the text "yes". Write true.'],
    ['vehicle: a\nstorage: { workers: 2.5 }', 'Expected a whole number, found the number 2.5.'],
    [
      'vehicle: a\nstorage: { workers: "2" }',
      'Expected a number, found the text "2". Write it without quotes.',
    ],
    ['vehicle: a\nstorage: { workers: 0 }', 'Must be at least 1, found 0.'],
    ['vehicle: a\nstorage: { maxSize: 5MB }', 'Must be at least 1GB, found 5MB.'],
    ['vehicle: a\nstorage: { maxSize: true }', 'Expected a size like 200GB or 512MiB, found true.'],
    ['vehicle: a\nstorage: { maxSize: 2GB, minFree: 3GB }', 'minFree must be smaller than maxSize.'],
    ['vehicle: a\nstorage: { maxSize: 1.5GB }', 'minFree must be smaller than maxSize.'],
    [
      'vehicle: a\nhttp: { listen: 8080 }',
      'Expected an address to listen on, like 0.0.0.0:8080 or [::1]:8080, found 8080. Did you mean 127.0.0.1:8080?',
    ],
    [
      'vehicle: a\ntimeZone: Europe/Berln',
      'Expected a time zone of the IANA database, like Europe/Berlin or UTC, found "Europe/Berln". Did you mean Europe/Berlin?',
    ],
    [
      'vehicle: a\nlenses: { a: { input: nowhere } }',
      'Expected a URL like https://host/path, found "nowhere".',
    ],
    [
      'vehicle: a\nlenses: { A1: { input: "rtsp://x" } }',
      '"A1" cannot be a name here. Use lower-case letters.',
    ],
    [
      'vehicle: a\nlenses: { a: { segment: 10 } }',
      'The key "input" is missing. input: Where the video comes from.',
    ],
    ['vehicle: a\nlenses: { a: { inptu: "rtsp://x" } }', 'Unknown key "inptu". Did you mean "input"?'],
    ['vehicle: a\nlenses: { a: { adopt: { dri: x } } }', 'Unknown key "dri". Did you mean "dir"?'],
    ['vehicle: a\nlenses: { a: 5 }', 'Expected a section of keys, found 5.'],
    [
      'vehicle: a\nlenses: { a: { input: "rtsp://x", adopt: { dir: x } } }',
      'The key "adopt" does not go together with the other keys of this section. Remove one or the other.',
    ],
    ['vehicle: a\npassword: { fiel: x }', 'Unknown key "fiel". Did you mean "file"?'],
    ['vehicle: a\npassword: 5', 'Expected { file: PATH } or { env: NAME }.'],
    ['vehicle: a\nvehicle: b', 'The key "vehicle" stands here for the second time. Remove one of the two.'],
    ['vehicle: a\nstorage:\n\tmaxSize: 5GB', 'Tabs cannot indent here. Use spaces.'],
    [
      'vehicle: a\nhttp: {',
      'This is indented by the wrong number of spaces, or a bracket above it is not closed.',
    ],
    ['vehicle: "a', 'A closing quote or bracket is missing.'],
    ['vehicle: a: b', 'A second "key:" cannot stand here. Begin a new line, or put the value in quotes.'],
    ['vehicle a\nstorage: {}', 'A colon is missing after the key.'],
    ['vehicle: @a', 'A value that begins with this character must be in quotes.'],
    ['vehicle: *a', 'Nothing above is marked "&a".'],
    ['vehicle: &a [*a]', 'This refers to the section it is in.'],
    ['vehicle: !secret a', 'Tags that begin with "!" mean nothing here. Put the value in quotes.'],
    [
      'vehicle: a\n---\nvehicle: b',
      'A configuration is one document. Remove this "---" and what follows it.',
    ],
    ['just words', 'Expected a section of keys, found the text "just words".'],
  ])('says of %j: %s', (text, sentence) => {
    expect(sentences(text).filter((found) => found === sentence)).toHaveLength(1);
  });

  it('never shows the phrasing of the schema library', () => {
    const everything = ['x', '[x]', '{ x: y }', 'true', '0.5', '""', 'null'];
    const keys = ['vehicle', 'http', 'storage', 'network', 'password', 'timeZone', 'lenses'];
    for (const key of keys)
      for (const value of everything) {
        let message = '';
        try {
          parseConfig(`${key === 'vehicle' ? '' : 'vehicle: a\n'}${key}: ${value}`, { schema });
        } catch (thrown) {
          message = (thrown as Error).message;
        }
        expect(message).not.toMatch(/Invalid|expected string|received|pattern|undefined/);
      }
  });

  it('tells a misspelt key once, not also that the right one is missing', () => {
    expect(sentences('vehicel: a')).toEqual(['Unknown key "vehicel". Did you mean "vehicle"?']);
  });

  it('keeps keys that look like numbers as they are written', () => {
    const names = z.strictObject({ lenses: z.record(z.string(), z.string()) });
    expect(parseConfig('lenses: { 007: a, 1.0: b }', { schema: names }).lenses).toEqual({
      '007': 'a',
      '1.0': 'b',
    });
  });

  it('reads anchors and aliases, and points into what they refer to', () => {
    const text = 'vehicle: a\nlenses:\n  front: &lens { input: "rtsp://x", live: of }\n  rear: *lens\n';
    expect(problems(text)).toContain('edge.yml:3:43  lenses.front.live');
    expect(problems(text)).toContain('edge.yml:3:43  lenses.rear.live');
  });

  it('refuses aliases that multiply and sections that nest beyond reason', () => {
    const laughs = ['a: &a [x,x,x,x,x,x,x,x,x]'];
    for (const [from, to] of ['ab', 'bc', 'cd', 'de', 'ef'].map((pair) => [pair[0] ?? '', pair[1] ?? '']))
      laughs.push(`${to}: &${to} [${Array(9).fill(`*${from}`).join(',')}]`);
    expect(problems(laughs.join('\n'))).toContain('multiply into far too much');
    for (const deep of ['['.repeat(100_000), '- '.repeat(100_000), '{a: '.repeat(100_000)])
      expect(problems(deep)).toContain('nested too deeply');
  });

  it('never shows credentials from the line that it quotes', () => {
    const text = problems(
      'vehicle: a\nlenses:\n  front: { input: "rtsp://admin:hunter2@10.0.0.11/x", live: of }',
    );
    expect(text).toContain('edge.yml:3');
    expect(text).not.toContain('hunter2');
    expect(problems('vehicle: a\npassword: hunter2 #\npasswrd: hunter2')).not.toContain('hunter2');
  });

  it('shows the part of a long line that matters', () => {
    const text = problems(
      `vehicle: a\nlenses: { ${'a: { input: "rtsp://x" }, '.repeat(0)}b: { input: "rtsp://${'x'.repeat(300)}", live: of } }`,
    );
    const [, excerpt = '', caret = ''] = text.split('\n');
    expect(excerpt.length).toBeLessThan(130);
    expect(excerpt.slice(caret.indexOf('^'))).toMatch(/^of/);
  });

  it('lists a bounded number of problems', () => {
    const text = `vehicle: a\n${Array.from({ length: 200 }, (_, index) => `x${index}: 1`).join('\n')}`;
    expect(problems(text)).toContain('and 170 more\n200 problems in edge.yml.');
  });

  it('survives any text', () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 200, unit: fc.constantFrom(...Array.from('ab:-[]{}#&*!|>\'"\n\t 1?,%@\\')) }),
        (text) => {
          try {
            parseConfig(text, { schema, path: 'edge.yml' });
          } catch (thrown) {
            expect(thrown).toBeInstanceOf(AppError);
            expect((thrown as AppError).code).toBe('CONFIG_INVALID');
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

describe('parseConfig with overrides', () => {
  it('lays them over the file, later ones over earlier ones', () => {
    const config = parseConfig('vehicle: a\nhttp: { listen: "0.0.0.0:80" }', {
      schema,
      overrides: [
        { path: 'http.listen', value: '0.0.0.0:81', origin: 'GAPLESS_HTTP_LISTEN' },
        { path: 'http.listen', value: '0.0.0.0:0', origin: '--http' },
        { path: 'storage.workers', value: '4', origin: '--workers' },
        { path: 'storage.sync', value: 'false', origin: '--sync' },
        { path: 'vehicle', value: '042', origin: '--vehicle' },
        { path: 'network.cidr', value: '10.0.0.0/8, 10.1.0.0/16', origin: 'GAPLESS_NETWORK_CIDR' },
      ],
    });
    expect(config.http.listen).toEqual({ host: '0.0.0.0', port: 0 });
    expect(config.storage).toMatchObject({ workers: 4, sync: false });
    expect(config.vehicle).toBe('042');
    expect(config.network.cidr).toEqual(['10.0.0.0/8', '10.1.0.0/16']);
  });

  it('works with no file at all', () => {
    expect(
      parseConfig('', { schema, overrides: [{ path: 'vehicle', value: 'a', origin: '--vehicle' }] }).vehicle,
    ).toBe('a');
  });

  it('names the flag or variable instead of a line', () => {
    const overrides = [{ path: 'http.listen', value: '0.0.0.0', origin: '--http' }];
    expect(problems('vehicle: a', overrides)).toBe(
      `--http  http.listen
     | 0.0.0.0
     | ^ Expected an address to listen on, like 0.0.0.0:8080 or [::1]:8080, found "0.0.0.0". Did you mean 0.0.0.0:8080?
1 problem in edge.yml. Nothing was changed.`,
    );
  });

  it('refuses to set what is no key', () => {
    const overrides = [{ path: 'http.lisen', value: 'x', origin: '--http' }];
    expect(() => parseConfig('', { schema, overrides })).toThrow('--http sets "http.lisen", which is no key');
  });
});

describe('loadConfig', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gapless-config-'));
  });
  afterAll(() => rm(directory, { recursive: true }));

  async function write(name: string, content: string | Uint8Array, mode = 0o600): Promise<string> {
    const path = join(directory, name);
    await writeFile(path, content);
    await chmod(path, mode);
    return path;
  }

  it('reads a file and fetches its secrets', async () => {
    await write('password.txt', 'hunter2\n');
    const path = await write('ok.yml', 'vehicle: a\npassword: { file: password.txt }\n');
    const config = await loadConfig({ schema, path });
    expect(config.password?.reveal()).toBe('hunter2');
    expect(configWarnings(config)).toEqual([]);

    const fromEnv = await write('env.yml', 'vehicle: a\npassword: { env: PASSWORD }\n');
    const other = await loadConfig({ schema, path: fromEnv, environment: { PASSWORD: 'swordfish' } });
    expect(other.password?.reveal()).toBe('swordfish');
  });

  it('points at a secret that is not there', async () => {
    const path = await write('no-env.yml', 'vehicle: a\npassword: { env: PASSWORD }\n');
    await expect(loadConfig({ schema, path })).rejects.toThrow(
      /no-env\.yml:2:11 {2}password[\s\S]*The environment variable PASSWORD is not set\./,
    );
    const other = await write('no-file.yml', 'vehicle: a\npassword: { file: nowhere }\n');
    await expect(loadConfig({ schema, path: other })).rejects.toThrow(/There is no file .*nowhere\./);
  });

  it('refuses a secret that others can read, unless systemd guards it', async () => {
    await write('open.txt', 'hunter2', 0o640);
    const path = await write('open.yml', `vehicle: a\npassword: { file: open.txt }\n`);
    await expect(loadConfig({ schema, path })).rejects.toThrow(/open\.yml:2:11 {2}password[\s\S]*chmod 600/);
    const config = await loadConfig({ schema, path, environment: { CREDENTIALS_DIRECTORY: directory } });
    expect(config.password?.reveal()).toBe('hunter2');
  });

  it('warns of a secret in the file itself', async () => {
    const path = await write('literal.yml', 'vehicle: a\npassword: hunter2\n');
    const config = await loadConfig({ schema, path });
    expect(config.password?.reveal()).toBe('hunter2');
    expect(configWarnings(config)).toEqual([
      { path: 'password', warning: expect.stringContaining('{ file: PATH }') as string },
    ]);
  });

  it('says in a sentence why a file cannot be read', async () => {
    const unreadable = async (path: string): Promise<string> => {
      const error: unknown = await loadConfig({ schema, path }).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(AppError);
      expect((error as AppError).code).toBe('CONFIG_UNREADABLE');
      return (error as AppError).message;
    };
    expect(await unreadable(join(directory, 'none.yml'))).toMatch(/none\.yml: there is no such file$/);
    expect(await unreadable(directory)).toMatch(/it is a directory$/);
    expect(await unreadable(await write('latin.yml', new Uint8Array([0x61, 0x3a, 0x20, 0xe4])))).toMatch(
      /not UTF-8/,
    );
    expect(await unreadable(await write('big.yml', `vehicle: ${'a'.repeat(1024 * 1024)}`))).toMatch(/1 MiB/);
  });

  it('reads a file that begins with a byte order mark', async () => {
    const path = await write('bom.yml', '\ufeffvehicle: a\n');
    expect((await loadConfig({ schema, path })).vehicle).toBe('a');
  });
});

describe('Secret', () => {
  it('shows itself nowhere', () => {
    const hidden = new Secret({ literal: 'hunter2' });
    const shown = [String(hidden), hidden.toString(), JSON.stringify({ hidden }), inspect({ hidden })];
    for (const text of shown) {
      expect(text).toContain('***');
      expect(text).not.toContain('hunter2');
    }
    expect(hidden.reveal()).toBe('hunter2');
  });
});
