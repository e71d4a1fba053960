import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decode } from '@gapless/harness/decoded';
import { accountFor, hashFrames } from '@gapless/harness/frame-hashes';
import { formatUtc, HOUR_MS } from '@gapless/shared/time';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ServedStore } from './support/served-store.js';

describe('the MP4 of a range', () => {
  let served: ServedStore;
  let directory: string;
  beforeAll(async () => {
    served = await ServedStore.start();
    directory = await mkdtemp(join(tmpdir(), 'gapless-video-'));
  });
  afterAll(async () => {
    await served[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });

  const path = (fromMs: number, toMs: number, rest = ''): string =>
    served.lens(`video.mp4?from=${formatUtc(fromMs)}&to=${formatUtc(toMs)}${rest}`);
  /** The first two segments: eight seconds across a seam. */
  const seam = (rest = ''): string => path(served.stored[0]!.startMs, served.stored[1]!.endMs, rest);
  const bytesOf = async (answer: Response): Promise<Buffer> => Buffer.from(await answer.arrayBuffer());
  const get = (headers: Record<string, string> = {}, method = 'GET'): Promise<Response> =>
    served.fetch(seam(), { headers, method });

  it('says exactly how long it is, and what it is', async () => {
    const answer = await get();
    const bytes = await bytesOf(answer);
    expect(answer.status).toBe(200);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-length': String(bytes.length),
      'accept-ranges': 'bytes',
      'content-type': expect.stringMatching(
        /^video\/mp4; codecs="avc1\.[0-9a-f]{6}, mp4a\.40\.2"$/i,
      ) as string,
      etag: expect.stringMatching(/^"[\w-]{32}"$/) as string,
      'cache-control': 'private, no-cache',
      'gapless-from': formatUtc(served.stored[0]!.startMs),
      'gapless-to': formatUtc(served.stored[1]!.endMs),
      'gapless-covered-ms': '8000',
      'gapless-gaps': '',
      'content-disposition': 'inline; filename="bus-042_front_20260822T160000000Z.mp4"',
    });
  });

  it('is answered to HEAD as to GET, without a body', async () => {
    const whole = await get();
    const head = await get({}, 'HEAD');
    expect(head.status).toBe(200);
    for (const name of ['content-length', 'etag', 'content-type', 'accept-ranges', 'gapless-gaps'])
      expect([name, head.headers.get(name)]).toEqual([name, whole.headers.get(name)]);
    expect((await bytesOf(head)).length).toBe(0);
    // RFC 9110 section 14.2: a Range is for GET alone.
    expect((await get({ range: 'bytes=0-9' }, 'HEAD')).status).toBe(200);
  });

  it('takes its turn when it is long, and one turn that fails holds up nobody', async () => {
    const day = (rest = ''): string =>
      path(served.stored[0]!.startMs - 20 * HOUR_MS, served.stored.at(-1)!.endMs, rest);
    const empty = path(served.stored[0]!.startMs - 20 * HOUR_MS, served.stored[0]!.startMs - HOUR_MS);
    const answers = await Promise.all(
      [day(), empty, day('&mode=keyframe'), day()].map((one) => served.fetch(one)),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 404, 200, 200]);
    const [first, , , last] = await Promise.all(answers.map(bytesOf));
    expect(last!.equals(first!)).toBe(true);
  });

  it('lists the gaps inside it, in its headers', async () => {
    const { startMs, endMs } = served.gap;
    const answer = await served.fetch(path(startMs - 2_000, endMs + 2_000), { method: 'HEAD' });
    expect(answer.headers.get('gapless-gaps')).toMatch(
      new RegExp(`^${formatUtc(startMs)}/${formatUtc(endMs)};reason=\\S+$`),
    );
    expect(answer.headers.get('gapless-gap-count')).toBe('1');
    expect(answer.headers.get('gapless-covered-ms')).toBe('4000');
  });

  describe('in parts', () => {
    let whole: Buffer;
    let etag: string;
    beforeAll(async () => {
      const answer = await get();
      etag = answer.headers.get('etag')!;
      whole = await bytesOf(answer);
    });

    it.each([
      ['the beginning', 'bytes=0-99', () => [0, 100]],
      ['one byte', 'bytes=7-7', () => [7, 8]],
      ['from somewhere to the end', 'bytes=1000-', (length: number) => [1_000, length]],
      ['the end', 'bytes=-500', (length: number) => [length - 500, length]],
      ['more of the end than there is', 'bytes=-999999999', (length: number) => [0, length]],
      ['beyond the end', 'bytes=10-999999999', (length: number) => [10, length]],
      ['spaces and capitals', 'Bytes= 5-9', () => [5, 10]],
    ] as const)('%s: %s', async (_, range, expected) => {
      const [from, to] = expected(whole.length) as [number, number];
      const answer = await get({ range });
      expect(answer.status).toBe(206);
      expect(answer.headers.get('content-range')).toBe(`bytes ${from}-${to - 1}/${whole.length}`);
      expect(answer.headers.get('content-length')).toBe(String(to - from));
      expect(answer.headers.get('etag')).toBe(etag);
      expect((await bytesOf(answer)).equals(whole.subarray(from, to))).toBe(true);
    });

    it.each(['bytes=999999999-', 'bytes=-0'])('refuses what it does not have: %s', async (range) => {
      const answer = await get({ range });
      expect(answer.status).toBe(416);
      expect(answer.headers.get('content-range')).toBe(`bytes */${whole.length}`);
      expect((await bytesOf(answer)).length).toBe(0);
    });

    it.each(['bytes=9-5', 'bytes=0-1,5-6', 'bytes=-', 'bytes=a-b', 'frames=1-2', 'nonsense'])(
      'answers with the whole what it does not understand: %s',
      async (range) => {
        const answer = await get({ range });
        expect(answer.status).toBe(200);
        expect((await bytesOf(answer)).equals(whole)).toBe(true);
      },
    );

    it('goes on only with what it began: If-Range', async () => {
      const ask = async (ifRange: string): Promise<number> =>
        (await get({ range: 'bytes=0-9', 'if-range': ifRange })).status;
      expect(await ask(etag)).toBe(206);
      expect(await ask('"another"')).toBe(200);
      expect(await ask(`W/${etag}`)).toBe(200);
      expect(await ask(new Date().toUTCString())).toBe(200);
    });

    it('is not sent again to who has it: If-None-Match', async () => {
      for (const value of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
        const answer = await get({ 'if-none-match': value });
        expect([value, answer.status]).toEqual([value, 304]);
        expect(answer.headers.get('etag')).toBe(etag);
      }
      expect((await get({ 'if-none-match': '"another"' })).status).toBe(200);
    });

    it('is the same bytes however it is sliced', async () => {
      const cuts = fc.uniqueArray(fc.nat(whole.length - 1), { minLength: 1, maxLength: 6 });
      await fc.assert(
        fc.asyncProperty(cuts, async (at) => {
          const bounds = [...new Set([0, ...at.sort((a, b) => a - b), whole.length])];
          const parts = await Promise.all(
            bounds
              .slice(1)
              .map(async (to, i) => bytesOf(await get({ range: `bytes=${bounds[i]!}-${to - 1}` }))),
          );
          expect(Buffer.concat(parts).equals(whole)).toBe(true);
        }),
        { numRuns: 25 },
      );
    });

    it('is the same bytes again, under the same entity tag, and others have another', async () => {
      const again = await get();
      expect(again.headers.get('etag')).toBe(etag);
      expect((await bytesOf(again)).equals(whole)).toBe(true);
      const shorter = await served.fetch(path(served.stored[0]!.startMs, served.stored[1]!.endMs - 1_000), {
        method: 'HEAD',
      });
      expect(shorter.headers.get('etag')).not.toBe(etag);
    });
  });

  it('has each coded frame of the camera once, picture and sound, across the seam', async () => {
    const file = join(directory, 'seam.mp4');
    await writeFile(file, await bytesOf(await get()));
    const made = [];
    for (const [i, object] of served.stored.slice(0, 2).entries()) {
      const source = join(directory, `source-${i}.mp4`);
      await writeFile(source, await served.file(object));
      made.push(...(await hashFrames('ffmpeg', source)));
    }
    const found = await hashFrames('ffmpeg', file);
    for (const stream of [0, 1]) {
      const account = accountFor(made, found, stream);
      expect([stream, account.lost, account.doubled, account.foreign]).toEqual([stream, 0, 0, 0]);
      expect(account.before + account.after).toBe(0);
      expect(account.expected).toBeGreaterThan(100);
    }
  });

  it.each([
    ['exactly', '', 1_234, 5_678],
    ['from the keyframe before', '&mode=keyframe', 1_234, 6_000],
  ])('plays %s what was asked for', async (_, rest, from, to) => {
    const { startMs } = served.stored[0]!;
    const answer = await served.fetch(path(startMs + from, startMs + to, rest));
    const shown =
      Date.parse(answer.headers.get('gapless-to')!) - Date.parse(answer.headers.get('gapless-from')!);
    const file = join(directory, `clip${rest.length}.mp4`);
    await writeFile(file, await bytesOf(answer));
    const [picture] = await decode('ffmpeg', file);
    // To the frame: at 30 frames a second one lasts 33 ms.
    expect(Math.abs(picture!.durationMs - shown)).toBeLessThan(70);
    expect(Date.parse(answer.headers.get('gapless-from')!)).toBeLessThan(startMs + from + 34);
  });

  it('plays across a gap, standing still where nothing is', async () => {
    const { startMs, endMs } = served.gap;
    const file = join(directory, 'gap.mp4');
    await writeFile(file, await bytesOf(await served.fetch(path(startMs - 2_000, endMs + 2_000))));
    const [picture] = await decode('ffmpeg', file);
    expect(Math.abs(picture!.durationMs - (endMs - startMs + 4_000))).toBeLessThan(70);
  });

  it('writes nothing to the disk', async () => {
    const before = await filesIn(served.dataDir);
    await bytesOf(await get());
    await bytesOf(await get({ range: 'bytes=5-' }));
    expect(await filesIn(served.dataDir)).toEqual(before);
  });

  it('lets go of its files when the player hangs up in the middle', async () => {
    const open = async (): Promise<number> => (await readdir('/proc/self/fd')).length;
    await get({}, 'HEAD');
    const before = await open();
    for (let i = 0; i < 20; i++) await hangUp(`${served.url}${seam()}`, served.token('viewer'));
    for (let turn = 0; turn < 20_000 && (await open()) > before + 4; turn++)
      await new Promise((resolve) => setImmediate(resolve));
    expect(await open()).toBeLessThanOrEqual(before + 4);
    expect((await bytesOf(await get())).length).toBeGreaterThan(0);
  });
});

/** Every file with its size and when it was written; SQLite's own are those of the catalogue. */
async function filesIn(root: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || entry.name.startsWith('central.sqlite')) continue;
    const path = join(entry.parentPath, entry.name);
    const { size, mtimeMs } = await stat(path);
    found.push(`${path} ${size} ${mtimeMs}`);
  }
  return found.sort();
}

/** Reads the first bytes of a reply and closes the connection. */
function hangUp(url: string, token: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { headers: { authorization: `Bearer ${token}` }, agent: false });
    asked.once('error', reject);
    asked.once('response', (reply) => {
      reply.once('error', () => undefined);
      reply.once('data', () => {
        reply.destroy();
        resolve();
      });
    });
    asked.end();
  });
}
