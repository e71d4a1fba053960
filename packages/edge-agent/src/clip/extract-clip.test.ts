import { rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import type { RecipeName } from '../../../../fixtures/media/index.js';
import { framesOf, packetsOf, recorded, sourceFile } from '../../../../fixtures/media/index.js';
import { nodeDisk } from '@gapless/shared/fs';
import type { SegmentRef } from '@gapless/shared/ids';
import { parseLensName, parseSegmentId } from '@gapless/shared/ids';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { front, Place, Recordings } from '../../../../test/support/edge/recordings.js';
import { segmentPath } from '../index/paths.js';
import type { SegmentRecord } from '../index/rows.js';
import type { RunRecording } from '../record/run-recording.js';
import type { Clip, ClipPlace, ClipPort } from './extract-clip.js';
import { extractClip } from './extract-clip.js';
import { SegmentUse } from './segment-use.js';

const signal = new AbortController().signal;
const SEGMENT_MS = 4_000;

describe(extractClip, () => {
  let place: Place;
  let recordings: Recordings;
  let now: Pick<RunRecording, 'open'> | undefined;
  let port: ClipPort;
  let damaged: SegmentRef[];
  beforeEach(async () => {
    place = await Place.make();
    recordings = new Recordings(place);
    await recordings.begin(front);
    damaged = [];
    now = undefined;
    port = {
      reader: recordings.reader,
      storageDir: place.storageDir,
      lensNow: () => now && { open: now.open },
      use: new SegmentUse(),
      whyMissing: () => [],
      onDamaged: (segment) => damaged.push(segment),
    };
  });
  afterEach(async () => {
    await recordings[Symbol.asyncDispose]();
    await place[Symbol.asyncDispose]();
  });

  /** Records a camera; returns when its first picture was taken. */
  async function record(name: RecipeName): Promise<number> {
    const run = await recordings.record(front, await recorded(name), { segmentDurationMs: SEGMENT_MS });
    return recordings.reader.runs.get(front, run!)!.startMs;
  }

  const all = (): SegmentRecord[] =>
    recordings.reader.segments.overlapping(front, { startMs: 0, endMs: Date.UTC(2100, 0) });
  const fileOf = (segment: SegmentRecord): string => join(place.storageDir, segmentPath(segment));
  const clipOf = (startMs: number, endMs: number, mode: 'exact' | 'keyframe' = 'exact'): Promise<Clip> =>
    extractClip(port, { lens: front, range: { startMs, endMs } }, mode);

  async function written(clip: Clip): Promise<string> {
    const path = join(place.root, `${await clip.content.sha256(signal)}.mp4`);
    await nodeDisk.remove(path);
    const file = await nodeDisk.create(path);
    await clip.content.writeTo(file, signal);
    await file.close();
    return path;
  }

  const shownIn = async (path: string, from = 0, to = Number.POSITIVE_INFINITY): Promise<string[]> =>
    (await framesOf(path)).filter(({ pts }) => pts >= from / 1000 && pts < to / 1000).map(({ hash }) => hash);

  it.each<{ name: RecipeName; what: string; from: number; to: number }>([
    { name: 'h264', what: 'H.264 with B-frames', from: 3_217, to: 17_911 },
    { name: 'h264NoB', what: 'H.264 as cameras send it', from: 5_500, to: 13_300 },
    { name: 'h265', what: 'H.265', from: 3_000, to: 9_999 },
    { name: 'ntsc', what: '29.97 frames a second', from: 4_100, to: 15_701 },
    { name: 'silent', what: 'no sound', from: 2_345, to: 8_000 },
    { name: 'longGop', what: 'a keyframe every 12 s', from: 11_000, to: 23_500 },
    { name: 'vfr', what: 'a rate that varies', from: 3_217, to: 15_001 },
    { name: 'openGop', what: 'H.264 with open GOPs', from: 3_970, to: 11_950 },
    { name: 'h265OpenGop', what: 'H.265 with open GOPs', from: 3_050, to: 9_000 },
  ])('shows exactly what was asked for: $what', async ({ name, from, to }) => {
    const startMs = await record(name);
    expect(all().length).toBeGreaterThan(1);
    const clip = await clipOf(startMs + from, startMs + to);
    expect(clip.gaps).toEqual([]);
    expect(clip.coveredMs).toBe(clip.endMs - clip.startMs);
    expect(clip.startMs - startMs - from).toBeLessThan(70);
    const path = await written(clip);
    const source = await sourceFile(name);
    expect(await shownIn(path)).toEqual(await shownIn(source, from, to));
    if (clip.codecs.length < 2) return;
    const firstShown = Math.min(
      ...(await packetsOf(source, 'v')).map(({ pts }) => pts).filter((pts) => pts >= from / 1000),
    );
    const heard = (await packetsOf(path, 'a'))[0]!;
    const same = (await packetsOf(source, 'a')).find(({ hash }) => hash === heard.hash)!;
    // To a sample of the sound.
    expect(Math.abs(same.pts - heard.pts - firstShown)).toBeLessThan(1 / 44_100);
  });

  it('widens to keyframes on both sides for players that do not know edit lists', async () => {
    const startMs = await record('h264');
    const clip = await clipOf(startMs + 7_000, startMs + 13_500, 'keyframe');
    expect(clip).toMatchObject({ startMs: startMs + 6_000, endMs: startMs + 14_000, gaps: [] });
    expect(await shownIn(await written(clip))).toEqual(
      await shownIn(await sourceFile('h264'), 6_000, 14_000),
    );
  });

  it('goes on across a run that ended and the hole behind it, and says what is missing and why', async () => {
    const first = await record('silent');
    const endedMs = recordings.reader.runs.last(front)!.endMs!;
    await recordings.clock.advance(5_000);
    const second = await record('silent');
    const whyMissing = () => [{ startMs: 0, endMs: second, reason: 'no-signal' }];
    port = { ...port, whyMissing };
    const clip = await clipOf(endedMs - 3_000, second + 3_000);
    expect(clip.gaps).toEqual([{ startMs: endedMs, endMs: second, reason: 'no-signal' }]);
    expect(clip.coveredMs).toBe(6_000);
    const source = await sourceFile('silent');
    const lastedMs = endedMs - first;
    expect(await shownIn(await written(clip))).toEqual([
      ...(await shownIn(source, lastedMs - 3_000)),
      ...(await shownIn(source, 0, 3_000)),
    ]);
  });

  it('takes what is whole of the segment that is being written, the same as when it is closed', async () => {
    const bytes = await recorded('h264');
    const recording = await recordings.feed(front, bytes, { segmentDurationMs: SEGMENT_MS });
    now = recording;
    const open = recording.open!;
    expect(open.endMs - open.startMs).toBeGreaterThan(1_000);
    const [fromMs, toMs] = [open.startMs - 1_500, open.endMs - 500];
    const early = await clipOf(fromMs, toMs);
    const sha256 = await early.content.sha256(signal);
    expect(early.gaps).toEqual([]);
    expect((await clipOf(open.endMs - 500, open.endMs + 2_000)).gaps).toEqual([
      { startMs: open.endMs, endMs: open.endMs + 2_000, reason: 'missing' },
    ]);
    await recording.finish('stopped');
    expect(recording.open).toBeUndefined();
    // Its file has moved since the clip was made, and may move at any moment while it is read.
    expect(await early.content.sha256(signal)).toBe(sha256);
    const late = await clipOf(fromMs, toMs);
    expect(await late.content.sha256(signal)).toBe(sha256);
    expect(all().at(-1)!.seq).toBe(open.seq);
  });

  it('has the row and the open segment for one while it is being closed', async () => {
    const bytes = await recorded('h264');
    const recording = await recordings.feed(front, bytes, { segmentDurationMs: SEGMENT_MS });
    const { open, startMs } = recording;
    await recording.finish('stopped');
    now = { open };
    const clip = await clipOf(startMs!, open!.endMs);
    expect(await shownIn(await written(clip))).toEqual(await shownIn(await sourceFile('h264')));
  });

  it('gives the same bytes for the same question', async () => {
    const startMs = await record('h264');
    const one = await clipOf(startMs + 1_234, startMs + 9_876);
    const other = await clipOf(startMs + 1_234, startMs + 9_876);
    expect(await one.content.sha256(signal)).toBe(await other.content.sha256(signal));
    expect(one.etag).toBe(other.etag);
    expect((await clipOf(startMs + 1_234, startMs + 9_000)).etag).not.toBe(one.etag);
  });

  it('is made without a file that is damaged or gone, and says so', async () => {
    const startMs = await record('h264');
    const [, second, third] = all();
    await rm(fileOf(second!));
    await truncate(fileOf(third!), 100);
    const clip = await clipOf(startMs, startMs + 20_000);
    expect(damaged.map(({ seq }) => seq).sort()).toEqual([second!.seq, third!.seq]);
    expect(clip.gaps).toEqual([{ startMs: second!.startMs, endMs: third!.endMs, reason: 'damaged' }]);
    expect(clip.coveredMs).toBe(20_000 - (third!.endMs - second!.startMs));
  });

  it('holds its segments until it is disposed of', async () => {
    const startMs = await record('h264');
    const [first, , , , last] = all();
    const clip = await clipOf(startMs, startMs + 2_000);
    const again = await clipOf(startMs, startMs + 2_000);
    expect(port.use.isHeld(first!)).toBe(true);
    expect(port.use.isHeld(last!)).toBe(false);
    clip[Symbol.dispose]();
    clip[Symbol.dispose]();
    expect(port.use.isHeld(first!)).toBe(true);
    again[Symbol.dispose]();
    expect(port.use.isHeld(first!)).toBe(false);
  });

  it('takes a stretch of one segment by offsets, to its end at most', async () => {
    await record('h264');
    const [, segment] = all();
    const ask = (fromMs: number, toMs?: number): Promise<Clip> =>
      extractClip(port, { segment: segment!, fromMs, toMs }, 'exact');
    expect((await ask(500, 1_500)).range).toEqual({
      startMs: segment!.startMs + 500,
      endMs: segment!.startMs + 1_500,
    });
    expect((await ask(500)).range).toEqual({ startMs: segment!.startMs + 500, endMs: segment!.endMs });
    expect((await ask(0, 60_000)).range.endMs).toBe(segment!.endMs);
  });

  it.each<[string, ClipPlace]>([
    ['LENS_UNKNOWN', { lens: parseLensName('roof'), range: { startMs: 0, endMs: 1 } }],
    ['FOOTAGE_NONE', { lens: front, range: { startMs: 0, endMs: 1_000 } }],
    ['ARGUMENT_INVALID', { lens: front, range: { startMs: 5, endMs: 5 } }],
    ['ARGUMENT_INVALID', { lens: front, range: { startMs: 0, endMs: 86_400_001 } }],
    ['SEGMENT_GONE', { segment: parseSegmentId('front/20260822T160000000Z-3fa9c1/000007'), fromMs: 0 }],
  ])('refuses with %s what it cannot give', async (code, asked) => {
    await record('tiny');
    await expect(extractClip(port, asked, 'exact')).rejects.toMatchObject({ code });
    for (const segment of all()) expect(port.use.isHeld(segment)).toBe(false);
  });
});
