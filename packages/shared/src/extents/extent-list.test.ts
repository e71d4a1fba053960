import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cancelled } from '../errors/index.js';
import { nodeDisk } from '../fs/index.js';
import type { Extent } from './extent.js';
import { ExtentList } from './extent-list.js';

describe(ExtentList, () => {
  const FILE_BYTES = 1000;
  const signal = new AbortController().signal;
  let directory: string;
  let paths: string[];
  let files: Buffer[];

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gapless-extents-'));
    paths = [join(directory, 'a'), join(directory, 'b')];
    files = [0, 1].map((which) =>
      Buffer.from(Array.from({ length: FILE_BYTES }, (_, i) => (i * (7 + which)) % 251)),
    );
    await Promise.all(paths.map((path, i) => writeFile(path, files[i]!)));
  });
  afterAll(() => rm(directory, { recursive: true }));

  /** An extent, and the bytes that it stands for. */
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 50 }).map((bytes) => {
      const extent: Extent = { kind: 'bytes', bytes };
      return { extent, bytes };
    }),
    fc.tuple(fc.nat(1), fc.nat(FILE_BYTES), fc.nat(FILE_BYTES)).map(([which, a, b]) => {
      const [offset, end] = [Math.min(a, b), Math.max(a, b)];
      const extent: Extent = { kind: 'file', path: paths[which]!, offset, length: end - offset };
      return { extent, bytes: files[which]!.subarray(offset, end) };
    }),
  );

  async function bytesOf(list: ExtentList, chunkBytes?: number): Promise<Buffer> {
    const chunks: Uint8Array[] = [];
    const options = { signal, ...(chunkBytes === undefined ? {} : { chunkBytes }) };
    for await (const chunk of list.stream(0, list.length, options)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  it('is the same as the bytes put together, wherever it is cut and read', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(piece, { maxLength: 6 }),
        fc.nat(1000),
        fc.nat(1000),
        fc.integer({ min: 1, max: 700 }),
        async (pieces, a, b, chunkBytes) => {
          const list = new ExtentList(pieces.map(({ extent }) => extent));
          const expected = Buffer.concat(pieces.map(({ bytes }) => bytes));
          expect(list.length).toBe(expected.length);
          const from = Math.min(a, b, list.length);
          const to = Math.min(Math.max(a, b), list.length);
          const slice = list.slice(from, to);
          expect(slice.length).toBe(to - from);
          expect((await bytesOf(slice, chunkBytes)).equals(expected.subarray(from, to))).toBe(true);
          const streamed: Uint8Array[] = [];
          for await (const chunk of list.stream(from, to, { signal, chunkBytes })) streamed.push(chunk);
          expect(Buffer.concat(streamed).equals(expected.subarray(from, to))).toBe(true);
          expect(streamed.every(({ length }, i) => i === streamed.length - 1 || length === chunkBytes)).toBe(
            true,
          );
        },
      ),
      { numRuns: 60 },
    );
  });

  const mixed = (): ExtentList =>
    new ExtentList([
      { kind: 'bytes', bytes: Buffer.from('header') },
      { kind: 'file', path: paths[0]!, offset: 10, length: 500 },
      { kind: 'file', path: paths[1]!, offset: 0, length: FILE_BYTES },
    ]);

  it('hashes what it would write, and writes it', async () => {
    const list = mixed();
    const target = join(directory, 'written');
    const file = await nodeDisk.create(target);
    await list.writeTo(file, signal);
    await file.close();
    const written = await readFile(target);
    expect(written).toHaveLength(list.length);
    expect(createHash('sha256').update(written).digest('hex')).toBe(await list.sha256(signal));
  });

  it('gives chunks that the reader may keep', async () => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of mixed().stream(0, 300, { signal, chunkBytes: 100 })) chunks.push(chunk);
    expect(Buffer.concat(chunks).equals((await bytesOf(mixed())).subarray(0, 300))).toBe(true);
  });

  it('gives the same chunks in one memory to a reader that is done with each before the next', async () => {
    const copies: Uint8Array[] = [];
    const memories = new Set<ArrayBufferLike>();
    for await (const chunk of mixed().stream(0, 250, { signal, chunkBytes: 100, reuse: true })) {
      copies.push(new Uint8Array(chunk));
      memories.add(chunk.buffer);
    }
    expect(copies.map(({ length }) => length)).toEqual([100, 100, 50]);
    expect(Buffer.concat(copies).equals((await bytesOf(mixed())).subarray(0, 250))).toBe(true);
    expect(memories.size).toBe(1);
  });

  it('says so when a file is shorter than promised, or gone', async () => {
    const path = join(directory, 'short');
    await writeFile(path, files[0]!);
    const list = new ExtentList([{ kind: 'file', path, offset: 100, length: 200 }]);
    await truncate(path, 250);
    await expect(bytesOf(list)).rejects.toMatchObject({
      code: 'EXTENT_SHORT',
      kind: 'data-loss',
      message: `${path} ends at byte 250; bytes up to 300 were promised`,
    });
    await rm(path);
    await expect(bytesOf(list)).rejects.toMatchObject({ code: 'EXTENT_SHORT' });
  });

  it('finds a file that is moved before it is read to where it was said to move', async () => {
    const path = join(directory, 'recording');
    const movesTo = join(directory, 'closed');
    const list = new ExtentList([{ kind: 'file', path, movesTo, offset: 5, length: 20 }]);
    await writeFile(path, files[0]!);
    const before = await bytesOf(list);
    await rename(path, movesTo);
    expect((await bytesOf(list)).equals(before)).toBe(true);
    await rm(movesTo);
    await expect(bytesOf(list)).rejects.toMatchObject({ code: 'EXTENT_SHORT' });
  });

  it('stops between chunks when it is cancelled', async () => {
    const abort = new AbortController();
    let bytes = 0;
    const reading = (async () => {
      for await (const chunk of mixed().stream(0, 1000, { signal: abort.signal, chunkBytes: 10 })) {
        bytes += chunk.length;
        if (bytes === 30) abort.abort(cancelled('the client hung up'));
      }
    })();
    await expect(reading).rejects.toThrow('the client hung up');
    expect(bytes).toBe(30);
  });

  it('leaves no file open when its reader stops early', async () => {
    const opened = async (): Promise<number> => (await import('node:fs')).readdirSync('/proc/self/fd').length;
    const before = await opened();
    for (let i = 0; i < 20; i++) {
      const reading = mixed().stream(0, 1000, { signal, chunkBytes: 100 });
      await reading.next();
      await reading.return();
    }
    expect(await opened()).toBe(before);
  });

  it('refuses a stretch outside of it', async () => {
    expect(() => mixed().slice(0, mixed().length + 1)).toThrow('lies inside');
    await expect(mixed().stream(5, 4, { signal }).next()).rejects.toThrow('lies inside');
  });
});
