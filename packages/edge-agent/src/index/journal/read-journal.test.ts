import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseRunId } from '@gapless/shared/ids';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JournalEntry } from './entry.js';
import { formatEntry, MAX_LINE_BYTES } from './entry.js';
import { readJournal } from './read-journal.js';

let directory: string;
let path: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gapless-journal-'));
  path = join(directory, 'journal.jsonl');
});
afterAll(() => rm(directory, { recursive: true }));

function absence(startMs: number): JournalEntry {
  return { v: 1, kind: 'absence', startMs, endMs: startMs + 1, reason: 'off' };
}

function tombstone(seq: number): JournalEntry {
  const run = parseRunId('20260822T160000000Z-3fa9c1');
  return {
    ...{ v: 1, kind: 'tombstone', run, seq, startMs: 1, endMs: 2, fileStartMs: 1, sizeBytes: 3 },
    ...{ sha256: 'ab'.repeat(32), deletedMs: 4, reason: 'evicted' },
  };
}

async function read(text: string | Uint8Array): Promise<unknown[]> {
  await writeFile(path, text);
  const found: unknown[] = [];
  for await (const entry of readJournal(path)) found.push(entry);
  return found;
}

describe('readJournal', () => {
  it('reads what was written, in its order', async () => {
    const entries = [absence(1), tombstone(0), absence(1)];
    expect(await read(entries.map(formatEntry).join(''))).toEqual(entries);
    expect(await read('')).toEqual([]);
  });

  it('reads entries across the borders of chunks', async () => {
    const entries = Array.from({ length: 2_000 }, (_, i) => tombstone(i));
    expect(await read(entries.map(formatEntry).join(''))).toEqual(entries);
  });

  it('passes over a torn line at the end in silence, wherever it was torn', async () => {
    const whole = formatEntry(absence(1));
    const torn = formatEntry(tombstone(0));
    for (const length of [0, 1, 10, torn.length - 1])
      expect(await read(whole + torn.slice(0, length))).toEqual([absence(1)]);
  });

  it('passes over blocks that a power cut left as zeros, and blank lines', async () => {
    const zeros = '\0'.repeat(300);
    const text = `${formatEntry(absence(1))}${zeros}{"half":\n\n${formatEntry(absence(3))}${zeros}`;
    expect(await read(text)).toEqual([absence(1), absence(3)]);
  });

  it.each([
    ['no JSON', 'hello', 'is no JSON'],
    ['half a line with another behind it', '{"v":1,"kind":"abs{"v":1}', 'is no JSON'],
    [
      'a version of another program',
      JSON.stringify({ ...absence(5), v: 2 }),
      expect.stringContaining('v: ') as unknown,
    ],
    [
      'a kind that nobody knows',
      JSON.stringify({ v: 1, kind: 'dream' }),
      expect.stringContaining('kind: ') as unknown,
    ],
    [
      'a range that ends before it begins',
      JSON.stringify({ ...absence(5), endMs: 4 }),
      expect.stringContaining('it ends before it begins') as unknown,
    ],
    ['bytes that are no text', Buffer.from([0xff, 0xfe, 0x80]), 'is no JSON'],
  ])('says that it cannot read %s, and goes on behind it', async (_, line, unreadable) => {
    const parts = [
      Buffer.from(formatEntry(absence(1))),
      Buffer.from(line),
      Buffer.from(`\n${formatEntry(absence(3))}`),
    ];
    expect(await read(Buffer.concat(parts))).toEqual([absence(1), { line: 2, unreadable }, absence(3)]);
  });

  it.each([MAX_LINE_BYTES + 1, 70_000, 300_000])(
    'says that a line of %i bytes is too long',
    async (length) => {
      const text = `${formatEntry(absence(1))}${'x'.repeat(length)}\n${formatEntry(absence(3))}`;
      const unreadable = `is longer than ${MAX_LINE_BYTES} bytes`;
      expect(await read(text)).toEqual([absence(1), { line: 2, unreadable }, absence(3)]);
    },
  );

  it('finds every entry between any garbage', async () => {
    const garbage = fc.oneof(
      fc.string({ maxLength: 40 }).map((text) => text.replaceAll('\n', ' ')),
      fc.constant('y'.repeat(MAX_LINE_BYTES * 2)),
      fc.constant('\0\0\0'),
    );
    const lines = fc.array(fc.option(garbage, { nil: undefined, freq: 2 }), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(lines, async (given) => {
        const entries = given.map((line, i) => (line === undefined ? tombstone(i) : undefined));
        const text = given
          .map((line, i) => (line === undefined ? formatEntry(tombstone(i)) : `${line}\n`))
          .join('');
        const found = (await read(text)).filter((one) => !('unreadable' in (one as object)));
        expect(found).toEqual(entries.filter((entry) => entry !== undefined));
      }),
      { numRuns: 50 },
    );
  });
});
