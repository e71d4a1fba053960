import { open, readFile, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeFragmentTable } from '@gapless/shared/isobmff';
import type { SegmentRef } from '@gapless/shared/ids';
import { parseLensName } from '@gapless/shared/ids';
import { PictureDecoders, startDecoder } from '@gapless/shared/still';
import { systemClock } from '@gapless/shared/time';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RecipeName } from '../../../../fixtures/media/index.js';
import { packetsOf, recorded, recordingOf, sourceFile } from '../../../../fixtures/media/index.js';
import { front, Place, Recordings, vehicle } from '../../../../test/support/edge/recordings.js';
import { greyOf, likeness, mostLike, shownPictures } from '../../../../test/support/pictures.js';
import { segmentPath } from '../index/paths.js';
import type { SegmentRecord } from '../index/rows.js';
import type { OpenSegment } from './snapshot-files.js';
import type { Snapshot, SnapshotPort, SnapshotRequest } from './take-snapshot.js';
import { takeSnapshot } from './take-snapshot.js';

const signal = new AbortController().signal;
const SEGMENT_MS = 4_000;

describe(takeSnapshot, () => {
  const decoders = new PictureDecoders({ ffmpeg: () => 'ffmpeg', start: startDecoder, clock: systemClock });
  afterAll(() => decoders[Symbol.asyncDispose]());

  let place: Place;
  let recordings: Recordings;
  let now: OpenSegment | undefined;
  let held: SegmentRef[];
  let port: SnapshotPort;
  beforeEach(async () => {
    place = await Place.make();
    recordings = new Recordings(place);
    await recordings.begin(front);
    now = undefined;
    held = [];
    port = {
      vehicle,
      reader: recordings.reader,
      storageDir: place.storageDir,
      lensNow: () => now && { open: now },
      hold: (segments) => {
        held.push(...segments);
        return { [Symbol.dispose]: () => void held.splice(0) };
      },
      decoders,
    };
  });
  afterEach(async () => {
    expect(held).toEqual([]);
    await recordings[Symbol.asyncDispose]();
    await place[Symbol.asyncDispose]();
  });

  /** Records a camera; returns when its first picture was taken. */
  async function record(bytes: Uint8Array): Promise<number> {
    const run = await recordings.record(front, bytes, { segmentDurationMs: SEGMENT_MS });
    return recordings.reader.runs.get(front, run!)!.startMs;
  }

  const all = (): SegmentRecord[] =>
    recordings.reader.segments.overlapping(front, { startMs: 0, endMs: Date.UTC(2100, 0) });
  const fileOf = (segment: SegmentRecord): string => join(place.storageDir, segmentPath(segment));
  const snap = (atMs: number | undefined, more: Partial<SnapshotRequest> = {}): Promise<Snapshot> =>
    takeSnapshot(
      port,
      { lens: front, atMs, pick: 'before', look: { width: undefined, quality: 95 }, ...more },
      signal,
    );

  it.each<{ name: RecipeName; what: string }>([
    { name: 'h264', what: 'H.264 with B-frames' },
    { name: 'h264NoB', what: 'H.264 as cameras send it' },
    { name: 'ntsc', what: '29.97 frames a second' },
    { name: 'longGop', what: 'a keyframe every 12 s' },
    { name: 'openGop', what: 'H.264 with open GOPs' },
    { name: 'h265', what: 'H.265' },
    { name: 'h265OpenGop', what: 'H.265 with open GOPs' },
  ])('shows the very keyframe, and when it was taken: $what', async ({ name }) => {
    const startMs = await record(await recorded(name));
    const source = await sourceFile(name);
    const pictures = await shownPictures(source, { width: 160, height: 90 });
    const packets = await packetsOf(source, 'v');
    const shown = packets.map(({ pts }) => pts).sort((a, b) => a - b);
    const keys = packets.filter(({ key }) => key).map(({ pts }) => pts);
    // Forwards and backwards: a decoder that is kept must not care.
    for (const pts of [keys.at(-1)!, keys[0]!, keys[2]!, keys[1]!]) {
      const keyMs = startMs + Math.round(pts * 1000);
      const exact = await snap(keyMs + 1);
      expect(Math.abs(exact.atMs - keyMs)).toBeLessThanOrEqual(1);
      const { width, height, pixels } = await greyOf(exact.jpeg);
      expect([width, height, exact.width, exact.height]).toEqual([160, 90, 160, 90]);
      const { index, db } = mostLike(pixels, pictures);
      expect(index).toBe(shown.indexOf(pts));
      expect(db).toBeGreaterThan(35);
      expect(await snap(exact.atMs)).toMatchObject({ atMs: exact.atMs });
      if (pts > 0) expect((await snap(exact.atMs - 1)).atMs).toBeLessThan(exact.atMs);
    }
  });

  it('takes the keyframe before, the nearest, or the newest', async () => {
    const startMs = await record(await recorded('h264'));
    expect((await snap(startMs + 3_900)).atMs).toBe(startMs + 2_000);
    expect((await snap(startMs + 3_900, { pick: 'nearest' })).atMs).toBe(startMs + 4_000);
    expect((await snap(startMs + 2_900, { pick: 'nearest' })).atMs).toBe(startMs + 2_000);
    expect((await snap(startMs - 5_000, { pick: 'nearest' })).atMs).toBe(startMs);
    expect((await snap(undefined)).atMs).toBe(startMs + 18_000);
    expect((await snap(undefined)).segment).toMatchObject({ lens: front, seq: 4 });
    expect((await snap(startMs + 50_000)).atMs).toBe(startMs + 18_000);
  });

  it('takes it out of the segment that is being written, wherever that moves meanwhile', async () => {
    const recording = await recordings.feed(front, await recorded('h264'), { segmentDurationMs: SEGMENT_MS });
    now = { ...recording.open!, fragments: recording.openFragments };
    const { startMs, seq } = now;
    const early = await snap(undefined);
    expect(early.segment).toMatchObject({ run: recording.run, seq });
    expect(early.atMs).toBe(startMs + 2_000);
    await recording.finish('stopped');
    const late = await snap(startMs + 2_500);
    expect(late).toMatchObject({ atMs: early.atMs, segment: { seq } });
    now = undefined;
    expect(Buffer.from((await snap(startMs + 2_500)).jpeg).equals(early.jpeg)).toBe(true);
  });

  it('goes from a run to the next, whose pictures have another size', async () => {
    const first = await record(await recorded('h264'));
    const firstEndMs = all().at(-1)!.endMs;
    await recordings.clock.advance(30_000);
    const second = await record(await recorded('larger'));
    for (let turn = 0; turn < 2; turn++) {
      expect(await snap(second + 100)).toMatchObject({ atMs: second, width: 192, height: 108 });
      expect(await snap(first + 100)).toMatchObject({ atMs: first, width: 160, height: 90 });
    }
    expect((await snap(second - 1)).atMs).toBeLessThan(firstEndMs);
    expect((await snap(second - 1, { pick: 'nearest' })).atMs).toBe(second);
  });

  it.each([
    { what: 'a camera on its side', options: ['-metadata:s:v', 'rotate=90'], size: [90, 160] },
    { what: 'pixels that are no squares', options: ['-aspect', '64:27'], size: [213, 90] },
  ])('shows what a player shows: $what', async ({ options, size: [width, height] }) => {
    const recording = await recordingOf(await sourceFile('h264'), ...options);
    await record(await readFile(recording));
    const picture = await greyOf((await snap(undefined)).jpeg);
    expect([picture.width, picture.height]).toEqual([width, height]);
    const shown = await shownPictures(recording, { width: width!, height: height! });
    expect(mostLike(picture.pixels, shown).index).toBe(540);
  });

  it('makes it as wide and as good as is wanted, and never wider than the camera did', async () => {
    const startMs = await record(await recorded('h264'));
    const fine = await snap(startMs);
    const coarse = await snap(startMs, { look: { width: undefined, quality: 10 } });
    expect(coarse.jpeg.length).toBeLessThan(fine.jpeg.length / 2);
    const small = await snap(startMs, { look: { width: 80, quality: 95 } });
    expect(small).toMatchObject({ width: 80, height: 45 });
    const [shown] = await shownPictures(await sourceFile('h264'), { width: 80, height: 45 });
    expect(likeness((await greyOf(small.jpeg)).pixels, shown!)).toBeGreaterThan(30);
    expect(await snap(startMs, { look: { width: 4_000, quality: 95 } })).toMatchObject({ width: 160 });
  });

  it('reads the head and the keyframe, and nothing else of the file', async () => {
    const startMs = await record(await recorded('h264'));
    const segment = all()[1]!;
    const whole = await snap(segment.startMs + 2_500);
    const fragments = decodeFragmentTable(segment.fragments);
    const file = await open(fileOf(segment), 'r+');
    for (const { offset, sizeBytes, startTicks } of fragments) {
      const isWanted =
        whole.atMs - segment.startMs === ((startTicks - fragments[0]!.startTicks) * 1000) / 15_360;
      if (!isWanted) await file.write(Buffer.alloc(sizeBytes, 0xa5), 0, sizeBytes, offset);
    }
    await file.close();
    expect(Buffer.from((await snap(segment.startMs + 2_500)).jpeg).equals(whole.jpeg)).toBe(true);
    expect(whole.atMs).toBe(startMs + 6_000);
  });

  it.each<[string, Partial<SnapshotRequest> & { readonly at: number }]>([
    ['LENS_UNKNOWN', { at: 0, lens: parseLensName('roof') }],
    ['FOOTAGE_NONE', { at: -1 }],
    ['FOOTAGE_NONE', { at: 20_000 + 60_001 }],
    ['FOOTAGE_NONE', { at: -60_001, pick: 'nearest' }],
  ])('says %s where it must', async (code, { at, ...more }) => {
    const startMs = await record(await recorded('h264'));
    await expect(snap(startMs + at, more)).rejects.toMatchObject({ code });
  });

  it.each<[string, (path: string) => Promise<void>]>([
    ['EXTENT_SHORT', (path) => rm(path)],
    ['EXTENT_SHORT', (path) => truncate(path, 4_000)],
  ])('says %s of a file that is not what it must be', async (code, harm) => {
    const startMs = await record(await recorded('h264'));
    await harm(fileOf(all()[0]!));
    await expect(snap(startMs + 2_100)).rejects.toMatchObject({ code });
    expect((await snap(startMs + 4_100)).atMs).toBe(startMs + 4_000);
  });

  it('hands over no picture of a damaged keyframe, and the next all the same', async () => {
    const startMs = await record(await recorded('h264'));
    const segment = all()[1]!;
    expect((await snap(segment.startMs)).atMs).toBe(startMs + 4_000);
    const [first] = decodeFragmentTable(segment.fragments);
    const file = await open(fileOf(segment), 'r+');
    await file.write(Buffer.alloc(2_000, 0xa5), 0, 2_000, first!.offset + 1_500);
    await file.close();
    await expect(snap(segment.startMs)).rejects.toMatchObject({
      code: 'SNAPSHOT_FAILED',
      message: expect.stringMatching(/^ffmpeg could not decode the picture: \[h264\]/) as string,
    });
    expect((await snap(segment.startMs + 2_000)).atMs).toBe(startMs + 6_000);
  });
});
