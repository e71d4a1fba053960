import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decode } from '@gapless/harness/decoded';
import { accountFor, hashFrames } from '@gapless/harness/frame-hashes';
import { formatUtc } from '@gapless/shared/time';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recorded, sourceFile } from '../../../fixtures/media/index.js';
import { front, Place, Recordings } from '../../support/edge/recordings.js';
import type { Spoken } from './support/operated-place.js';
import { OperatedPlace } from './support/operated-place.js';

interface Made {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly coveredMs: number;
  readonly gaps: readonly { readonly from: string; readonly to: string; readonly reason: string }[];
}

describe('gapless-edge clip', () => {
  let operated: OperatedPlace;
  let startMs: number;
  let endMs: number;
  let seq = 0;
  beforeAll(async () => {
    const place = await Place.make();
    {
      await using recordings = new Recordings(place);
      await recordings.begin(front);
      const bytes = await recorded('h264');
      const run = await recordings.record(front, bytes, { segmentDurationMs: 4_000 });
      ({ startMs } = recordings.reader.runs.get(front, run!)!);
      endMs = recordings.reader.runs.get(front, run!)!.endMs!;
    }
    operated = await OperatedPlace.start(place);
    await operated.recordings.clock.advance(60_000);
  });
  afterAll(() => operated[Symbol.asyncDispose]());

  const fresh = (): string => join(operated.place.root, `clip-${seq++}.mp4`);
  const clip = (file: string, from: number, to: number, ...rest: readonly string[]): Promise<Spoken> =>
    operated.run(
      ...['--json', 'clip', '--lens', 'front', '-o', file],
      ...['--from', formatUtc(startMs + from), '--to', formatUtc(startMs + to)],
      ...rest,
    );
  const madeBy = ({ stdout }: Spoken): Made => JSON.parse(stdout) as Made;

  it('writes a file with each coded frame of the camera, picture and sound, and says what it is', async () => {
    const file = fresh();
    const spoken = await clip(file, 0, endMs - startMs);
    expect(spoken.exitCode).toBe(0);
    const bytes = await readFile(file);
    expect(madeBy(spoken)).toMatchObject({
      file,
      bytes: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      coveredMs: endMs - startMs,
      gaps: [],
    });
    const made = await hashFrames('ffmpeg', await sourceFile('h264'));
    const found = await hashFrames('ffmpeg', file);
    for (const stream of [0, 1])
      expect(accountFor(made, found, stream)).toMatchObject({ lost: 0, doubled: 0, foreign: 0, before: 0 });
    expect(await readdir(operated.place.root)).not.toContain(`${file}.partial`);
  });

  it.each(['exact', 'keyframe'])('makes the same file of the same question: %s', async (mode) => {
    const [one, other] = [fresh(), fresh()];
    const first = madeBy(await clip(one, 1_234, 5_678, '--mode', mode));
    const second = madeBy(await clip(other, 1_234, 5_678, '--mode', mode));
    expect(second.sha256).toBe(first.sha256);
    expect(first.coveredMs).toBe(mode === 'exact' ? 4_411 : 6_000);
    const [picture] = await decode('ffmpeg', one);
    expect(Math.abs(picture!.durationMs - first.coveredMs)).toBeLessThan(70);
  });

  it('streams to standard output, and nothing else goes there', async () => {
    const file = fresh();
    const { sha256 } = madeBy(await clip(file, 2_000, 9_000));
    const spoken = await clip('-', 2_000, 9_000);
    expect(spoken.exitCode).toBe(0);
    expect(spoken.stdout).toBe('');
    expect(createHash('sha256').update(spoken.bytes).digest('hex')).toBe(sha256);
  });

  it('is partly done where footage is missing, and says from when to when and why', async () => {
    const file = fresh();
    const spoken = await clip(file, 15_000, 25_000);
    expect(spoken.exitCode).toBe(5);
    expect(madeBy(spoken)).toMatchObject({
      coveredMs: 5_000,
      gaps: [{ from: formatUtc(endMs), to: formatUtc(startMs + 25_000), reason: 'unexplained' }],
    });
  });

  it('ends with 4 and leaves nothing where there is no footage', async () => {
    const file = fresh();
    const spoken = await clip(file, -20_000, -10_000);
    expect(spoken.exitCode).toBe(4);
    expect(JSON.parse(spoken.stderr)).toMatchObject({ error: { code: 'FOOTAGE_NONE' } });
    await expect(readFile(file)).rejects.toThrow('ENOENT');
  });

  it('takes a stretch of a segment', async () => {
    const [segment] = operated.recordings.reader.segments.overlapping(front, { startMs, endMs });
    const file = fresh();
    const id = `front/${segment!.run}/000000`;
    const spoken = await operated.run(
      ...['--json', 'clip', '--segment', id, '--start', '500ms', '--end', '2.5s', '-o', file],
    );
    expect(spoken.exitCode).toBe(0);
    expect(madeBy(spoken)).toMatchObject({ coveredMs: 2_000, from: formatUtc(startMs + 500) });
  });

  it('does not replace a file unless it is told to', async () => {
    const file = fresh();
    await writeFile(file, 'precious');
    const refused = await clip(file, 0, 2_000);
    expect([refused.exitCode, await readFile(file, 'utf8')]).toEqual([1, 'precious']);
    const forced = await clip(file, 0, 2_000, '--force');
    expect(forced.exitCode).toBe(0);
    expect((await readFile(file)).length).toBe(madeBy(forced).bytes);
  });

  it.each([
    [['--lens', 'front', '--from', '-1h', '--segment', 'front/20260822T160000000Z-3fa9c1/000000']],
    [['--from', '-1h']],
    [['--lens', 'front']],
    [['--segment', 'nonsense']],
    [['--segment', 'front/20260822T160000000Z-3fa9c1/000000', '--start', 'soon']],
    [['--lens', 'front', '--from', '-1h', '--mode', 'sloppy']],
  ])('refuses %j as wrong usage', async (words) => {
    const { exitCode, stderr } = await operated.run('clip', ...words, '-o', fresh());
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^error: /);
  });

  it('says to a person what was made', async () => {
    const file = fresh();
    const { stdout } = await operated.run(
      ...['clip', '--lens', 'front', '-o', file],
      ...['--from', formatUtc(startMs), '--to', formatUtc(startMs + 4_000)],
    );
    expect(stdout).toMatch(/^\S+ shows \S+Z to \S+Z: 4\.0 s of footage, \d+\.\d MB\.\n$/);
  });

  it('lets go of its segments once it was sent', async () => {
    await clip(fresh(), 0, 4_000);
    const segments = operated.recordings.reader.segments.overlapping(front, { startMs, endMs });
    expect(segments.filter((segment) => operated.use.isHeld(segment))).toEqual([]);
  });
});
