import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { nodeDisk } from '@gapless/shared/fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeStream } from './write-stream.js';

async function* chunks(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) {
    if (text === 'break off') throw new Error('the agent broke off');
    yield await Promise.resolve(Buffer.from(text));
  }
}

describe(writeStream, () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gapless-write-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  const to = (name: string, stdout = new PassThrough()) => ({
    path: name === '-' ? name : join(directory, name),
    disk: nodeDisk,
    stdout,
  });

  it('gives a file its name once it is whole, and says what it holds', async () => {
    const seen: [number, readonly string[]][] = [];
    const watched = async function* () {
      for await (const chunk of chunks('one', 'two')) {
        seen.push([seen.length, await readdir(directory)]);
        yield chunk;
      }
    };
    const progress: number[] = [];
    const written = await writeStream(watched(), to('clip.mp4'), (bytes) => progress.push(bytes));
    expect(written).toEqual({ bytes: 6, sha256: createHash('sha256').update('onetwo').digest('hex') });
    expect(progress).toEqual([3, 6]);
    expect(seen.map(([, names]) => names)).toEqual([['clip.mp4.partial'], ['clip.mp4.partial']]);
    expect(await readdir(directory)).toEqual(['clip.mp4']);
    expect(await readFile(join(directory, 'clip.mp4'), 'utf8')).toBe('onetwo');
  });

  it('leaves nothing behind when it is broken off', async () => {
    const writing = writeStream(chunks('one', 'break off'), to('clip.mp4'), () => undefined);
    await expect(writing).rejects.toThrow('the agent broke off');
    expect(await readdir(directory)).toEqual([]);
  });

  it('stops when nobody reads standard output any more', async () => {
    const stdout = new PassThrough({ highWaterMark: 1 });
    stdout.on('error', () => undefined);
    const writing = writeStream(chunks('one', 'two'), to('-', stdout), () => stdout.destroy());
    stdout.resume();
    await expect(writing).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('writes to standard output no faster than it is read', async () => {
    const stdout = new PassThrough({ highWaterMark: 1 });
    const writing = writeStream(chunks('one', 'two', 'three'), to('-', stdout), () => undefined);
    const read = buffer(stdout);
    expect(await writing).toMatchObject({ bytes: 11 });
    stdout.end();
    expect((await read).toString()).toBe('onetwothree');
  });
});
