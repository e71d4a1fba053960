import {
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseLensName } from '@gapless/shared/ids';
import { noSteps, systemRandom } from '@gapless/shared/lifecycle';
import { createLog } from '@gapless/shared/log';
import { MAX_EPOCH_MS } from '@gapless/shared/time';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { framesOf, made } from '../../../../fixtures/media/index.js';
import { Kill } from '../../../../test/support/edge/kill.js';
import { evidence, passing, Place, Recordings, vehicle } from '../../../../test/support/edge/recordings.js';
import { extractClip, SegmentUse } from '../clip/index.js';
import { segmentContent } from '../index/index.js';
import type { AdoptedFileRecord, SegmentRecord } from '../index/index.js';
import { AdoptedLens } from './adopted-lens.js';
import type { AdoptSettings } from './adopted-lens.js';

const saloon = parseLensName('saloon');
const signal = new AbortController().signal;
const log = createLog('test', 'silent');
const ALWAYS = { startMs: 0, endMs: MAX_EPOCH_MS };

const PICTURE = ['-f', 'lavfi', '-i', 'testsrc2=size=160x90:rate=25'];
const TONE = ['-f', 'lavfi', '-i', 'sine=440:sample_rate=48000'];
const H264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '25'];
const film = (seconds: number, ...more: string[]): Promise<string> =>
  made([...PICTURE, ...TONE, '-t', String(seconds), ...H264, '-bf', '2', '-c:a', 'aac', ...more]);
const FRAGMENTED = ['-movflags', 'frag_keyframe+empty_moov+default_base_moof'];
const sound = (): Promise<string> => made([...TONE, '-t', '20', '-c:a', 'aac']);

const NOON = Date.UTC(2026, 7, 22, 12);
const name = (ms: number): string =>
  `${new Date(NOON + ms).toISOString().replace(/[:.]/g, '-').slice(0, 23)}.mp4`;

let place: Place;
let dir: string;
let recordings: Recordings;
let lens: AdoptedLens;

function lensOf(
  options: { step?: (name: string) => void; settings?: Partial<AdoptSettings> } = {},
): AdoptedLens {
  const { disk, clock, index, reader, burial } = recordings;
  const { step = noSteps, settings } = options;
  return new AdoptedLens({
    port: {
      ...{ vehicle, lens: saloon, disk, clock, index, reader, evidence, step },
      ...{ random: systemRandom, storageDir: place.storageDir, segmentDurationMs: 2_000 },
    },
    settings: { dir, pattern: '%Y-%m-%dT%H-%M-%S-%f', timeZone: 'UTC', ...settings },
    watch: () => ({ [Symbol.dispose]: () => undefined }),
    bury: async (segments) => {
      await burial.bury(segments, 'evicted', { evenProtected: true });
    },
    log,
  });
}

/** Puts a file into the directory as if it had been finished long ago. */
async function put(source: string, as: string, below = '.'): Promise<string> {
  const path = join(dir, below, as);
  await mkdir(dirname(path), { recursive: true });
  await copyFile(source, path);
  await utimes(path, NOON / 1000, NOON / 1000);
  return path;
}

const look = (): Promise<void> => passing(recordings.clock, lens.look(signal));
const segments = (): SegmentRecord[] => recordings.reader.segments.overlapping(saloon, ALWAYS);
const files = (): AdoptedFileRecord[] =>
  recordings.reader.adoption.page(saloon, { directory: '', name: '' }, 100);
const extents = (): [number, number][] =>
  segments().map(({ startMs, endMs }) => [startMs - NOON, endMs - NOON]);

beforeEach(async () => {
  place = await Place.make();
  dir = await mkdtemp(join(tmpdir(), 'gapless-adopt-'));
  recordings = new Recordings(place);
  await passing(recordings.clock, recordings.begin(saloon));
  lens = lensOf();
});
afterEach(async () => {
  await recordings[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
  await rm(dir, { recursive: true });
});

describe('AdoptedLens', () => {
  it('makes sound segments of the footage and writes nothing beside it', async () => {
    await put(await film(5), name(0));
    await look();
    expect(extents()).toEqual([
      [0, 2000],
      [2000, 4000],
      [4000, 5000],
    ]);
    expect(await recordings.check({ readData: true })).toEqual([]);
    expect(await readdir(dir)).toEqual([name(0)]);
    expect(files()).toMatchObject([{ state: 'adopted', facts: { clock: 'name', pictures: 125, holes: 0 } }]);
    // Only the wrappers take room.
    expect(recordings.reader.segments.totalBytes()).toBe(0);
  });

  test.each([
    ['progressive', []],
    ['fragmented', FRAGMENTED],
  ])('shows every picture in a clip as it was recorded: %s', async (_, flags) => {
    const source = await film(5, ...flags);
    await put(source, name(0));
    await look();
    const all = segments();
    using clip = await extractClip(
      {
        ...{ reader: recordings.reader, storageDir: place.storageDir, use: new SegmentUse() },
        ...{ lensNow: () => undefined, whyMissing: () => [], onDamaged: () => expect.unreachable() },
      },
      { lens: saloon, range: { startMs: all[0]!.startMs, endMs: all.at(-1)!.endMs } },
      'exact',
    );
    expect(clip.gaps).toEqual([]);
    const path = join(place.root, 'clip.mp4');
    const parts: Uint8Array[] = [];
    for await (const part of clip.content.stream(0, clip.content.length, { signal })) parts.push(part);
    await writeFile(path, Buffer.concat(parts));
    const hashes = async (of: string): Promise<string[]> => (await framesOf(of)).map(({ hash }) => hash);
    expect(await hashes(path)).toEqual(await hashes(source));
  });

  it('gives the same bytes whenever they are asked for, with the hash that the catalogue says', async () => {
    await put(await film(5, ...FRAGMENTED), name(0));
    await look();
    for (const segment of segments()) {
      const content = await segmentContent(place.storageDir, segment);
      expect(content.length).toBe(segment.sizeBytes);
      expect(await content.sha256(signal)).toBe(segment.sha256);
    }
  });

  it('makes one run of files that follow each other, and another where something is missing', async () => {
    const five = await film(5, '-bf', '0');
    for (const at of [0, 5_020, 10_000, 20_000]) await put(five, name(at));
    await look();
    const runs = [...new Set(segments().map(({ run }) => run))];
    expect(runs).toHaveLength(2);
    const first = segments().filter(({ run }) => run === runs[0]);
    first.slice(1).forEach(({ startMs }, i) => expect(startMs).toBe(first[i]!.endMs));
    expect(files().map(({ facts }) => [facts!.continues, facts!.overlapMs])).toEqual([
      [false, undefined],
      [true, -20],
      [true, expect.closeTo(0, -2)],
      [false, expect.closeTo(-5_000, -2)],
    ]);
    expect(await recordings.check({ readData: true })).toEqual([]);
  });

  it('says of each file what is wrong with it, and adopts the others', async () => {
    const good = await film(5, ...FRAGMENTED);
    const bytes = await readFile(good);
    await writeFile(join(place.root, 'cut'), bytes.subarray(0, bytes.length * 0.6));
    const hollow = Buffer.from(bytes);
    const media = hollow.indexOf('mdat', Math.floor(bytes.length / 2)) + 4;
    hollow.fill(0, media, media + 6_000);
    await writeFile(join(place.root, 'hollow'), hollow);
    await writeFile(join(place.root, 'rubbish'), Buffer.alloc(3000, 'rubbish'));
    await writeFile(join(place.root, 'empty'), '');
    await put(await sound(), name(0));
    await put(join(place.root, 'rubbish'), name(60_000));
    await put(join(place.root, 'empty'), name(120_000));
    await put(join(place.root, 'cut'), name(180_000));
    await put(join(place.root, 'hollow'), name(240_000));
    await put(good, name(300_000));
    await put(good, 'another-lens.mp4');
    await put(good, 'notes.txt');
    await look();
    expect(files().map(({ state }) => state)).toEqual([
      'no-video',
      'unreadable',
      'unreadable',
      'partly',
      'partly',
      'adopted',
    ]);
    expect(files().map(({ detail }) => detail ?? '')).toEqual([
      '',
      expect.stringContaining('does not begin as an MP4 does'),
      expect.stringContaining('has no moov'),
      expect.stringContaining('the file ends'),
      expect.stringContaining('was not written out'),
      '',
    ]);
    expect(await recordings.check({ readData: true })).toEqual([]);
  });

  it('counts from where pictures begin, not from where the file does', async () => {
    const late = await made([
      ...['-f', 'lavfi', '-i', 'sine=440:sample_rate=48000:duration=20'],
      ...['-itsoffset', '14.36', '-f', 'lavfi', '-i', 'testsrc2=size=160x90:rate=25:duration=5'],
      ...[
        ...H264,
        '-bf',
        '0',
        '-fps_mode',
        'passthrough',
        '-c:a',
        'aac',
        '-movflags',
        'frag_keyframe+delay_moov',
      ],
    ]);
    await put(late, name(0));
    await look();
    expect(files()[0]!.facts).toMatchObject({ pictures: 125, undecodableMs: 0 });
    expect(Math.abs(files()[0]!.facts!.lateMs - 14_360)).toBeLessThan(25);
    expect(Math.abs(extents()[0]![0] - 14_360)).toBeLessThan(25);
  });

  it('waits for a file that grows, and then takes all of it', async () => {
    const bytes = await readFile(await film(5, ...FRAGMENTED));
    const path = join(dir, name(0));
    const nowS = (): number => recordings.clock.nowMs() / 1000;
    for (const part of [0.3, 0.6, 1]) {
      await writeFile(path, bytes.subarray(0, bytes.length * part));
      await utimes(path, nowS(), nowS());
      await lens.look(signal);
      await recordings.clock.advance(4_000);
      await lens.look(signal);
      expect(files()).toEqual([]);
      expect(lens.status.asOfMs).toBeLessThan(recordings.clock.nowMs() - 3_000);
    }
    await recordings.clock.advance(11_000);
    const nowMs = recordings.clock.nowMs();
    await look();
    expect(files()).toMatchObject([{ state: 'adopted', facts: { pictures: 125 } }]);
    expect(lens.status.asOfMs).toBeGreaterThanOrEqual(nowMs);
  });

  it('leaves tombstones of what was deleted, moved or changed, and adopts what came of it', async () => {
    const five = await film(5);
    const [deleted, moved, changed] = await Promise.all(
      [0, 60_000, 120_000].map((at) => put(five, name(at))),
    );
    await put(five, name(180_000));
    await look();
    expect(segments()).toHaveLength(12);
    await rm(deleted!);
    await rename(moved!, join(dir, name(90_000)));
    await truncate(changed!, 1000);
    await utimes(changed!, NOON / 1000 + 1, NOON / 1000 + 1);
    await look();
    expect(files().map((file) => [file.name, file.state])).toEqual([
      [name(90_000), 'adopted'],
      [name(120_000), 'unreadable'],
      [name(180_000), 'adopted'],
    ]);
    const buried = recordings.reader.tombstones.changedAfter(0, 100);
    expect(buried.map(({ row }) => [row.reason, row.startMs < NOON + 126_000])).toEqual(
      Array.from({ length: 9 }, () => ['evicted', true]),
    );
    expect(await recordings.check({ readData: true })).toEqual([]);
  });

  it('takes an empty directory for a disk that is not mounted, unless it saw it become empty', async () => {
    const path = await put(await film(5), name(0));
    await look();
    await rename(path, join(place.root, 'away.mp4'));
    lens = lensOf();
    await look();
    expect(lens.status).toMatchObject({
      state: 'no-signal',
      detail: expect.stringContaining('mounted') as string,
    });
    expect(segments()).toHaveLength(3);
    await rename(join(place.root, 'away.mp4'), path);
    await look();
    await rm(path);
    await look();
    expect(segments()).toHaveLength(0);
  });

  it('finds files in dated folders', async () => {
    const five = await film(5, '-bf', '0');
    await put(five, '12-00-00.mp4', '2026/08/22');
    await put(five, '12-00-05.mp4', '2026/08/22');
    lens = lensOf({ settings: { pattern: '%Y/%m/%d/%H-%M-%S' } });
    await look();
    expect(files().map(({ facts }) => facts!.continues)).toEqual([false, true]);
  });

  const STEPS = ['1-wrapper', '2-sync-directory', '3-rows', '4-rename', '5-sync-directories'].map(
    (step) => `adopt:${step}`,
  );

  test.each(STEPS)('is whole or not at all after a crash at %s', async (at) => {
    await put(await film(5), name(0));
    await recordings[Symbol.asyncDispose]();
    const kill = new Kill(at);
    recordings = new Recordings(place, { disk: kill.disk });
    lens = lensOf({ step: kill.step });
    await look();
    expect(kill.isDone).toBe(true);
    await recordings.crash();
    recordings = new Recordings(place);
    await passing(recordings.clock, recordings.begin(saloon));
    lens = lensOf();
    await look();
    expect(extents()).toHaveLength(3);
    expect(await recordings.check({ readData: true })).toEqual([]);
    expect(await readdir(join(place.storageDir, saloon, 'recording'))).toEqual([]);
  });
});
