import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeWritableDirectory } from './directory.js';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'gapless-directory-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

test('makes a directory with its parents, and is content with one that exists', async () => {
  const path = join(root, 'a', 'b', 'c');
  await makeWritableDirectory(path, 0o700);
  await makeWritableDirectory(path);
  expect((await stat(path)).mode & 0o777).toBe(0o700);
});

test('ends where the file system does not know the name and will not learn it', async () => {
  await expect(makeWritableDirectory('/proc/nope/deeper')).rejects.toMatchObject({ code: 'ENOENT' });
});

test('does not take a file for a directory', async () => {
  const path = join(root, 'file');
  await writeFile(path, '');
  await expect(makeWritableDirectory(path)).rejects.toMatchObject({ code: 'ENOTDIR' });
  await expect(makeWritableDirectory(join(path, 'below'))).rejects.toMatchObject({ code: 'ENOTDIR' });
});
