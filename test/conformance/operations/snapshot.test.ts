import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:http';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { formatUtc } from '@gapless/shared/time';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recorded, run, sourceFile } from '../../../fixtures/media/index.js';
import { front, Place, Recordings } from '../../support/edge/recordings.js';
import { greyOf, mostLike, shownPictures } from '../../support/pictures.js';
import type { Spoken } from './support/operated-place.js';
import { OperatedPlace } from './support/operated-place.js';

interface Made {
  readonly file: string;
  readonly at: string;
  readonly segment: string;
  readonly width: number;
  readonly height: number;
  readonly bytes: number;
  readonly sha256: string;
}

let operated: OperatedPlace;
let startMs: number;
let endMs: number;
let seq = 0;
beforeAll(async () => {
  const place = await Place.make();
  {
    await using recordings = new Recordings(place);
    await recordings.begin(front);
    const made = await recordings.record(front, await recorded('h264'), { segmentDurationMs: 4_000 });
    const { startMs: beganMs, endMs: endedMs } = recordings.reader.runs.get(front, made!)!;
    [startMs, endMs] = [beganMs, endedMs!];
  }
  operated = await OperatedPlace.start(place);
});
afterAll(() => operated[Symbol.asyncDispose]());

const fresh = (): string => join(operated.place.root, `picture-${seq++}.jpg`);

describe('gapless-edge snapshot', () => {
  const snapshot = (file: string, ...rest: readonly string[]): Promise<Spoken> =>
    operated.run('--json', 'snapshot', '--lens', 'front', '-o', file, ...rest);
  const madeBy = ({ stdout }: Spoken): Made => JSON.parse(stdout) as Made;
  const at = (ms: number): string[] => ['--at', formatUtc(startMs + ms)];

  it('writes the keyframe before the time, and says when it was taken', async () => {
    const file = fresh();
    const spoken = await snapshot(file, ...at(7_999), '--quality', '95');
    expect(spoken.exitCode).toBe(0);
    const bytes = await readFile(file);
    expect(madeBy(spoken)).toEqual({
      ...{ file, at: formatUtc(startMs + 6_000), width: 160, height: 90 },
      segment: expect.stringMatching(/^front\/\S+\/000001$/) as string,
      ...{ bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') },
    });
    const shown = await shownPictures(await sourceFile('h264'), { width: 160, height: 90 });
    expect(mostLike((await greyOf(bytes)).pixels, shown).index).toBe(180);
    const json = await run('ffprobe', ['-show_entries', 'frame_tags', '-of', 'json', file]);
    expect(json.toString()).toContain('"ImageDescription": "bus-042/front"');
    expect(await readdir(operated.place.root)).not.toContain(`${file}.partial`);
  });

  it('takes the nearest, the newest, and makes it narrower', async () => {
    const nearest = madeBy(await snapshot(fresh(), ...at(7_999), '--nearest'));
    expect(nearest.at).toBe(formatUtc(startMs + 8_000));
    const newest = madeBy(await snapshot(fresh(), '--width', '80'));
    expect(newest).toMatchObject({ at: formatUtc(startMs + 18_000), width: 80, height: 45 });
  });

  it('goes to standard output, and nothing else does', async () => {
    const file = fresh();
    const { sha256 } = madeBy(await snapshot(file, ...at(0)));
    const spoken = await snapshot('-', ...at(0));
    expect(spoken).toMatchObject({ exitCode: 0, stdout: '' });
    expect(createHash('sha256').update(spoken.bytes).digest('hex')).toBe(sha256);
  });

  it('says to a person what it shows', async () => {
    const file = fresh();
    const { stdout } = await operated.run('snapshot', '--lens', 'front', ...at(100), '-o', file);
    expect(stdout).toBe(`${file} shows front at ${formatUtc(startMs)}, 160 × 90.\n`);
  });

  it('ends with 4 and leaves nothing where there is no picture', async () => {
    const file = fresh();
    const spoken = await snapshot(file, ...at(-100));
    expect(spoken.exitCode).toBe(4);
    expect(JSON.parse(spoken.stderr)).toMatchObject({ error: { code: 'FOOTAGE_NONE' } });
    await expect(readFile(file)).rejects.toThrow('ENOENT');
    const roof = await operated.run('snapshot', '--lens', 'roof', '-o', file);
    expect([roof.exitCode, roof.stderr]).toEqual([4, expect.stringContaining('no lens roof')]);
  });

  it('does not replace a file unless it is told to', async () => {
    const file = fresh();
    await writeFile(file, 'precious');
    const refused = await snapshot(file);
    expect([refused.exitCode, await readFile(file, 'utf8')]).toEqual([1, 'precious']);
    expect((await snapshot(file, '--force')).exitCode).toBe(0);
  });

  it.each([
    [['--lens', 'front', '--at', 'soon']],
    [['--lens', 'front', '--width', '0']],
    [['--lens', 'front', '--width', 'wide']],
    [['--lens', 'front', '--quality', '101']],
    [['--lens', '../front']],
    [[]],
  ])('refuses %j as wrong usage', async (words) => {
    const { exitCode, stderr } = await operated.run('snapshot', ...words, '-o', fresh());
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^error: /);
  });
});

describe('GET /v1/snapshot.jpg', () => {
  const get = async (query: string) => {
    const reply = await new Promise<IncomingMessage>((resolve, reject) =>
      request({ socketPath: operated.socketPath, path: `/v1/snapshot.jpg?${query}` })
        .once('response', resolve)
        .once('error', reject)
        .end(),
    );
    return { status: reply.statusCode, headers: reply.headers, body: await buffer(reply) };
  };

  it('answers with a JPEG that says what it shows', async () => {
    const { status, headers, body } = await get(`lens=front&at=${startMs + 2_500}&width=80`);
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'content-type': 'image/jpeg',
      'content-length': String(body.length),
      'gapless-at': formatUtc(startMs + 2_000),
      'gapless-width': '80',
      'gapless-height': '45',
    });
    expect(await greyOf(body)).toMatchObject({ width: 80, height: 45 });
  });

  it('answers many at once', async () => {
    const asked = Array.from({ length: 12 }, (_, i) => get(`lens=front&at=${startMs + 1_000 * i}`));
    const taken = (await Promise.all(asked)).map(({ headers }) => Date.parse(String(headers['gapless-at'])));
    expect(taken).toEqual(asked.map((_, i) => startMs + 2_000 * Math.floor(i / 2)));
  });

  it('says why there is none', async () => {
    const { status, headers, body } = await get(`lens=front&at=${endMs + 70_000}`);
    expect([status, headers['content-type']]).toEqual([
      404,
      expect.stringContaining('application/problem+json'),
    ]);
    expect(JSON.parse(body.toString())).toMatchObject({ code: 'FOOTAGE_NONE' });
    expect((await get('lens=front&at=soon')).status).toBe(400);
    expect((await get('lens=front&pick=any')).status).toBe(400);
  });
});
