import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ExtentList } from './extent-list.js';
import { ExtentSource } from './extent-source.js';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gapless-extents-'));
});
afterEach(() => rm(dir, { recursive: true }));

async function madeOf(...texts: readonly string[]): Promise<ExtentList> {
  const files = texts.map((text, i) => ({ path: join(dir, `${i}`), text }));
  for (const { path, text } of files) await writeFile(path, `..${text}`);
  const parts = files.map(({ path, text }) => ({
    kind: 'file' as const,
    path,
    offset: 2,
    length: text.length,
  }));
  return new ExtentList([{ kind: 'bytes', bytes: Buffer.from('memory ') }, ...parts]);
}

describe('ExtentSource', () => {
  it('reads across memory and files, and up to the end', async () => {
    await using source = new ExtentSource(await madeOf('first ', 'second'));
    expect(source.sizeBytes).toBe(19);
    const read = async (offset: number, length: number) =>
      Buffer.from(await source.read(offset, length)).toString();
    expect(await read(0, 19)).toBe('memory first second');
    expect(await read(5, 10)).toBe('y first se');
    expect(await read(15, 100)).toBe('cond');
    expect(await read(19, 4)).toBe('');
    expect(await read(40, 4)).toBe('');
  });

  it('says when a file has become shorter', async () => {
    const list = await madeOf('first');
    await truncate(join(dir, '0'), 4);
    await using source = new ExtentSource(list);
    await expect(source.read(0, list.length)).rejects.toMatchObject({ code: 'EXTENT_SHORT' });
  });
});
