import { run as runFfmpeg } from '../../../fixtures/media/index.js';
import { hashFrames } from '@gapless/harness/frame-hashes';
import { formatUtc } from '@gapless/shared/time';
import { parse, types } from 'hls-parser';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NOW_MS, ServedStore } from './support/served-store.js';

describe('the playlist of a lens', () => {
  let served: ServedStore;
  let directory: string;
  beforeAll(async () => {
    served = await ServedStore.start();
    directory = await mkdtemp(join(tmpdir(), 'gapless-playlist-'));
  });
  afterAll(async () => {
    await served[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });

  const whole = (): string =>
    `from=${formatUtc(served.segments[0]!.row.startMs)}&to=${formatUtc(served.segments.at(-1)!.row.endMs)}`;
  const text = async (query: string): Promise<string> => {
    const answer = await served.fetch(served.lens(`index.m3u8?${query}`));
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('application/vnd.apple.mpegurl');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    return answer.text();
  };
  const playlist = async (query: string): Promise<types.MediaPlaylist> => {
    const parsed = parse(await text(query));
    if (!(parsed instanceof types.MediaPlaylist)) throw new Error('not a media playlist');
    return parsed;
  };
  /** Where the links of a playlist lead to. */
  const absolute = (uri: string): string => new URL(uri, `${served.url}${served.lens('index.m3u8')}`).href;

  it('has every stored segment as a byte range of its own file, with its date and its length', async () => {
    const { segments, endlist, playlistType, targetDuration, independentSegments } = await playlist(whole());
    expect({ endlist, playlistType, independentSegments }).toEqual({
      endlist: true,
      playlistType: 'VOD',
      independentSegments: true,
    });
    expect(segments).toHaveLength(served.stored.length);
    for (const [i, segment] of segments.entries()) {
      const object = served.stored[i]!;
      expect(segment.programDateTime?.getTime()).toBe(object.startMs);
      expect(segment.duration).toBeCloseTo((object.endMs - object.startMs) / 1000, 3);
      expect(Math.round(segment.duration)).toBeLessThanOrEqual(targetDuration);
      const file = await served.file(object);
      const { offset, length } = segment.byterange;
      expect(file.toString('latin1', offset + 4, offset + 8)).toBe('moof');
      // Behind the last fragment there is the seal and nothing else.
      expect(file.toString('latin1', offset + length + 4, offset + length + 8)).toBe('uuid');
    }
  });

  it('has a discontinuity exactly where another run begins, and the head of that run', async () => {
    const { segments } = await playlist(`${whole()}&gaps=mark`);
    const real = segments.filter(({ gap }) => gap !== true);
    const runs = served.stored.map(({ run }) => run);
    expect(real.map(({ discontinuity }) => discontinuity ?? false)).toEqual(
      runs.map((run, i) => i > 0 && run !== runs[i - 1]),
    );
    for (const [i, segment] of real.entries()) {
      const head = segment.map as { uri: string; byterange: { offset: number; length: number } };
      const first = runs.indexOf(runs[i]!);
      expect(head.uri).toBe(real[first]!.uri);
      const file = await served.file(served.stored[first]!);
      expect(head.byterange.offset).toBe(0);
      expect(file.toString('latin1', head.byterange.length + 4, head.byterange.length + 8)).toBe('moof');
    }
  });

  it('marks each gap as one segment to be skipped, so that it lasts as long as the wall clock', async () => {
    const { segments, version } = await playlist(`${whole()}&gaps=mark`);
    expect(version).toBeGreaterThanOrEqual(8);
    const marked = segments.filter(({ gap }) => gap === true);
    expect(marked.map(({ programDateTime }) => programDateTime?.getTime())).toEqual([
      served.gap.startMs,
      served.stored.find(({ run }) => run !== served.stored[0]!.run)!.startMs - marked[1]!.duration * 1000,
    ]);
    expect(marked[0]!.duration * 1000).toBeCloseTo(served.gap.endMs - served.gap.startMs, 0);
    const lasts = segments.reduce((sum, { duration }) => sum + duration * 1000, 0);
    expect(lasts).toBeCloseTo(served.segments.at(-1)!.row.endMs - served.segments[0]!.row.startMs, 0);
  });

  it('skips gaps unless told otherwise, and tells of them all the same', async () => {
    const { segments } = await playlist(whole());
    expect(segments.some(({ gap }) => gap === true)).toBe(false);
    const told = (await text(whole())).split('\n').filter((line) => line.startsWith('#EXT-X-DATERANGE:'));
    expect(told).toHaveLength(2);
    expect(told[0]).toContain(
      `START-DATE="${formatUtc(served.gap.startMs)}",DURATION=4.000,X-STATE="missing"`,
    );
    expect(told[1]).toContain('X-STATE="not-recorded",X-REASON="no-signal"');
    // Time jumps there, so a player must begin anew.
    const behindGap = served.stored.findIndex(({ startMs }) => startMs === served.gap.endMs);
    expect(segments[behindGap]!.discontinuity).toBe(true);
  });

  it('grows while no end is asked for, from a start that stays the same', async () => {
    const answer = await served.fetch(served.lens('index.m3u8?from=-70m&gaps=mark'));
    expect(answer.status).toBe(302);
    const location = answer.headers.get('location')!;
    const { search } = new URL(absolute(location));
    expect(new URLSearchParams(search).get('gaps')).toBe('mark');
    const growing = await text(search.slice(1));
    expect(growing).toContain('#EXT-X-PLAYLIST-TYPE:EVENT');
    expect(growing).not.toContain('#EXT-X-ENDLIST');
    // Nothing that a player knows may change: not the links, and not what is told of a gap.
    await served.advance(10_000);
    expect(await text(search.slice(1))).toBe(growing);
    expect(growing).toContain('#EXT-X-DATERANGE:');
    expect(growing).not.toContain('X-STATE');
    expect((await served.fetch(served.lens('index.m3u8?from=-70m'))).headers.get('location')).not.toBe(
      location,
    );
  });

  it('keeps no segment longer than it promised while it grows, and skips the gaps that are', async () => {
    const location = (await served.fetch(served.lens('index.m3u8?from=-70m&gaps=mark'))).headers.get(
      'location',
    )!;
    const { segments, targetDuration } = await playlist(new URL(absolute(location)).search.slice(1));
    for (const { duration } of segments) expect(Math.round(duration)).toBeLessThanOrEqual(targetDuration);
    expect(targetDuration).toBeLessThan(300);
    const newRun = served.stored.findIndex(({ run }) => run !== served.stored[0]!.run);
    const real = segments.filter(({ gap }) => gap !== true);
    expect(real).toHaveLength(served.stored.length);
    expect(real[newRun]!.discontinuity).toBe(true);
  });

  it('cannot have been opened before its time', async () => {
    const opened = formatUtc(NOW_MS + 3_600_000);
    const answer = await served.fetch(served.lens(`index.m3u8?from=-70m&opened=${opened}`));
    expect(answer.status).toBe(400);
    expect(JSON.stringify(await answer.json())).toContain('/opened');
  });

  it('opens what it links to without a token, by the byte', async () => {
    const { segments } = await playlist(whole());
    const { uri, byterange } = segments[1]!;
    const { offset, length } = byterange;
    const answer = await fetch(absolute(uri), {
      headers: { range: `bytes=${offset}-${offset + length - 1}` },
    });
    expect(answer.status).toBe(206);
    const file = await served.file(served.stored[1]!);
    expect(Buffer.from(await answer.arrayBuffer()).equals(file.subarray(offset, offset + length))).toBe(true);
    expect((await fetch(absolute(uri.replace(/signature=./, 'signature=_')))).status).toBe(401);
  });

  it('serves the file as the vehicle recorded it, byte for byte', async () => {
    const { segments } = await playlist(whole());
    for (const [i, { uri }] of segments.entries()) {
      const answer = await fetch(absolute(uri));
      const recorded = served.segments.find(
        ({ row }) => row.run === served.stored[i]!.run && row.seq === served.stored[i]!.seq,
      )!;
      expect(Buffer.from(await answer.arrayBuffer()).equals(recorded.bytes)).toBe(true);
      expect(answer.headers.get('etag')).toBe(`"${recorded.row.sha256}"`);
    }
  });

  it.each(['skip', 'mark'])('plays in ffmpeg with gaps=%s: each coded frame once, in order', async (gaps) => {
    // As a player would get it, with the addresses of the links made absolute.
    const lines = (await text(`${whole()}&gaps=${gaps}`)).split('\n').map((line) => {
      if (/^(segments\/|gap-)/.test(line)) return absolute(line);
      return line.replace(/URI="([^"]+)"/, (_, uri: string) => `URI="${absolute(uri)}"`);
    });
    const file = join(directory, `${gaps}.m3u8`);
    await writeFile(file, lines.join('\n'));
    const options = [
      '-protocol_whitelist',
      'file,http,tcp',
      '-allowed_extensions',
      'ALL',
      '-extension_picky',
      '0',
    ];
    const played = await hashFrames('ffmpeg', file, options);
    const expected: string[] = [];
    for (const [i, object] of served.stored.entries()) {
      const path = join(directory, `${i}.mp4`);
      await writeFile(path, await served.file(object));
      const frames = await hashFrames('ffmpeg', path);
      expected.push(...frames.filter(({ stream }) => stream === 0).map(({ md5 }) => md5));
    }
    expect(played.filter(({ stream }) => stream === 0).map(({ md5 }) => md5)).toEqual(expected);
    // And nothing to complain of when it is decoded.
    await runFfmpeg('ffmpeg', [...options, '-i', file, '-f', 'null', '-']);
  });
});
