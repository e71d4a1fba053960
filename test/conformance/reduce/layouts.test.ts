import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reduce, reducedArtifact } from '@gapless/edge-agent/reduce/index';
import { ExtentList } from '@gapless/shared/extents';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { run } from '../../../fixtures/media/index.js';
import { everyBox, treeOf } from './support/box-tree.js';
import { bytesOf, inMemory, packetLines, reducedBytes } from './support/reduced.js';
import type { Layout } from './support/sources.js';
import { laidOut, laidOutBytes, layouts } from './support/sources.js';

const signal = new AbortController().signal;
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gapless-reduce-'));
});
afterAll(() => rm(dir, { recursive: true }));

async function written(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(dir, name);
  await writeFile(path, bytes);
  return path;
}

function paddingIn(bytes: Buffer): string[] {
  return everyBox(treeOf(bytes)).flatMap(({ type }) =>
    ['free', 'skip', 'wide'].includes(type) ? [type] : [],
  );
}

describe('reduce', () => {
  test.each(Object.keys(layouts) as Layout[])('leaves what ffmpeg demuxes of %s as it is', async (layout) => {
    const source = await laidOut(layout);
    const before = await laidOutBytes(layout);
    const after = await reducedBytes(before);
    const path = await written(`${layout}.mp4`, after);

    expect(paddingIn(after)).toEqual([]);
    const saved = before.length - after.length;
    expect(saved > 0).toBe(paddingIn(before).length > 0);
    const lines = await packetLines(source);
    // Of what it encrypted itself, ffmpeg takes several pictures for one.
    expect(lines.length).toBeGreaterThan(15);
    expect(await packetLines(path)).toEqual(lines);
    expect((await run('ffprobe', ['-show_format', path])).toString()).toContain(`size=${after.length}`);
    expect(await reducedBytes(after)).toEqual(after);
  });

  it('takes the room out that a recorder left for its movie box', async () => {
    const source = await laidOutBytes('roomForMovie', 'h264');
    const { savedBytes, removedBoxes } = await reduce(inMemory(source), signal);
    expect(removedBoxes).toBeGreaterThan(0);
    expect(savedBytes).toBeGreaterThan(75_000);
  });

  it('is an artifact: of known length and hash, to be read from any offset', async () => {
    const path = await laidOut('roomForMovie');
    const before = await laidOutBytes('roomForMovie');
    const source = new ExtentList([{ kind: 'file', path, offset: 0, length: before.length }]);
    const { artifact, savedBytes, refused } = await reducedArtifact(source, signal);
    const whole = await bytesOf(artifact);

    expect(refused).toBeUndefined();
    expect(artifact.length).toBe(before.length - savedBytes);
    expect(await artifact.sha256(signal)).toBe(createHash('sha256').update(whole).digest('hex'));
    for (const from of [0, 1, 700, whole.length - 1])
      expect(await bytesOf(artifact.slice(from, whole.length))).toEqual(whole.subarray(from));
  });

  it('reads a virtual file as it reads a real one', async () => {
    const before = await laidOutBytes('roomForMovie');
    const middle = 5000;
    const split = new ExtentList([
      { kind: 'bytes', bytes: before.subarray(0, middle) },
      { kind: 'bytes', bytes: before.subarray(middle) },
    ]);
    expect(await bytesOf((await reduce(split, signal)).artifact)).toEqual(await reducedBytes(before));
  });

  it('gives an upload the source itself where it refuses to reduce it', async () => {
    const source = inMemory((await laidOutBytes('plain')).subarray(0, 2000));
    const { artifact, savedBytes, refused } = await reducedArtifact(source, signal);
    expect(artifact).toBe(source);
    expect(savedBytes).toBe(0);
    expect(refused).toMatchObject({ code: 'REDUCE_REFUSED', hint: expect.any(String) as string });
  });
});
