import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AppError } from '@gapless/shared/errors';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FaultyDisk } from '../../../../../test/support/edge/faulty-disk.js';
import { front } from '../../../../../test/support/edge/recordings.js';
import type { JournalNote } from './entry.js';
import { absenceNote, formatEntry, MAX_LINE_BYTES } from './entry.js';
import { Journal } from './journal.js';

const DAY = '2026-08-22';
const startMs = Date.UTC(2026, 7, 22);

let storageDir: string;
let path: string;
let disk: FaultyDisk;
let errors: AppError[];

beforeEach(async () => {
  storageDir = await mkdtemp(join(tmpdir(), 'gapless-journal-'));
  path = join(storageDir, front, DAY, 'journal.jsonl');
  disk = new FaultyDisk();
  errors = [];
});
afterEach(() => rm(storageDir, { recursive: true }));

function journal(): Journal {
  return new Journal({ disk, storageDir, onError: (error) => void errors.push(error) });
}

function note(changeSeq: number): JournalNote {
  const row = { lens: front, startMs: startMs + changeSeq, endMs: startMs + 99, detail: undefined };
  return absenceNote({ ...row, reason: 'off' }, changeSeq);
}

const lines = (...seqs: readonly number[]): string =>
  seqs.map((seq) => formatEntry(note(seq).entry)).join('');

describe('Journal', () => {
  it('writes each line into the journal of its day, in the order of the notes', async () => {
    const one = journal();
    for (const seq of [1, 2, 3]) one.note(note(seq));
    await one.flush();
    one.note(note(4));
    await one.flush();
    expect(await readFile(path, 'utf8')).toBe(lines(1, 2, 3, 4));
    expect(one.notedSeq).toBe(4);
  });

  it('syncs the file and its directory once, and says how far it reaches', async () => {
    const one = journal();
    one.note(note(1));
    one.note(note(2));
    expect(await one.sync()).toBe(2);
    const synced = disk.done
      .filter(({ operation }) => operation.startsWith('sync'))
      .map(({ path: at }) => at);
    expect(synced).toEqual([path, join(storageDir, front, DAY)]);
    disk.done.length = 0;
    expect(await one.sync()).toBe(2);
    expect(disk.done).toEqual([]);
  });

  it.each([
    ['a piece of a line', '{"v":1,"kind":"ab'],
    ['zeros', '\0'.repeat(100)],
    ['more than the longest line', 'x'.repeat(3 * MAX_LINE_BYTES)],
  ])('cuts off %s that a crash left at the end', async (_, rest) => {
    const before = journal();
    before.note(note(1));
    await before.flush();
    await appendFile(path, rest);
    const after = journal();
    after.note(note(2));
    await after.flush();
    expect(await readFile(path, 'utf8')).toBe(lines(1, 2));
  });

  it('is behind after a write that the disk refused, until everything is noted again', async () => {
    const one = journal();
    one.note(note(1));
    await one.sync();
    disk.before = (operation) => (operation === 'write' ? 'ENOSPC' : undefined);
    one.note(note(2));
    expect(await one.sync()).toBeUndefined();
    expect([one.isBehind, errors.length]).toEqual([true, 1]);
    disk.before = () => undefined;
    await one.catchUp(2, () => {
      one.note(note(2));
      return one.flush();
    });
    expect(await one.sync()).toBe(2);
    expect(await readFile(path, 'utf8')).toBe(lines(1, 2));
  });

  it('is behind after a sync that failed, and notes again apart from what may be lost', async () => {
    const one = journal();
    disk.before = (operation) => (operation === 'sync' ? 'EIO' : undefined);
    one.note(note(1));
    expect(await one.sync()).toBeUndefined();
    disk.before = () => undefined;
    await one.catchUp(1, () => {
      one.note(note(1));
      return Promise.resolve();
    });
    expect(await one.sync()).toBe(1);
    expect(one.isBehind).toBe(false);
    expect(await readFile(path, 'utf8')).toBe(`${lines(1)}\n${lines(1)}`);
  });

  it('lets nothing grow without bound while the disk hangs', async () => {
    const one = journal();
    const release = { now: (): void => undefined };
    const hanging = new Promise<void>((resolve) => (release.now = resolve));
    const create = disk.create.bind(disk);
    disk.create = async (at) => {
      await hanging;
      return create(at);
    };
    one.note(note(1));
    const flushed = one.flush(); // the disk has this one
    await Promise.resolve();
    let noted = 1;
    while (!one.isBehind && noted < 1_000_000) one.note(note(++noted));
    expect(noted).toBeLessThan(100_000);
    release.now();
    await flushed;
    expect(await one.sync()).toBeUndefined();
  });

  it('makes no new file for a day that was forgotten', async () => {
    const one = journal();
    one.note(note(1));
    await one.flush();
    await rm(path);
    one.forget(path);
    expect(await one.sync()).toBe(1);
    await expect(readFile(path)).rejects.toThrow('ENOENT');
  });
});
