import { execFileSync } from 'node:child_process';
import { readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { segmentId } from '@gapless/shared/ids';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { recorded, sourceFile } from '../../../fixtures/media/index.js';
import type { SegmentRecord } from '../../../packages/edge-agent/src/index/index.js';
import { segmentPath } from '../../../packages/edge-agent/src/index/index.js';
import { front } from '../../support/edge/recordings.js';
import { hasSshd } from '../../support/peers/openssh.js';
import { sampleBytes, sha256 } from '../sftp/support/sftp-kit.js';
import { DeliverKit } from './support/deliver-kit.js';

describe.skipIf(!hasSshd)('what is uploaded', () => {
  let kit: DeliverKit;
  let segments: SegmentRecord[];
  let n = 0;
  /** A place on the server for each test. */
  let place: string;
  beforeAll(async () => {
    kit = await DeliverKit.create();
    await kit.recordings.begin(front);
    await kit.recordings.record(front, await recorded('tiny'));
    segments = kit.recordings.reader.segments.overlapping(front, { startMs: 0, endMs: 1e15 });
  });
  beforeEach(() => {
    place = `t${n++}`;
  });
  afterAll(() => kit[Symbol.asyncDispose]());

  it('a segment, byte for byte, with all that is known of it in its path', async () => {
    const [segment] = segments;
    const { lens, run, seq } = segment!;
    const { items, state } = await kit.upload([{ kind: 'segment', segment: { lens, run, seq } }], {
      url: kit.url(`${place}/{lens}/{date}/{start}-{end}_{name}`),
    });
    expect(state).toBe('done');
    expect(items).toMatchObject([{ name: segmentId(segment!), sha256: segment!.sha256, savedBytes: 0 }]);
    expect(items[0]!.path).toMatch(/\/front\/2026-08-22\/20260822T\d{9}Z-20260822T\d{9}Z_\S+\.mp4$/);
    expect(sha256(await readFile(items[0]!.path!))).toBe(segment!.sha256);
    expect(kit.use.isHeld(segment!)).toBe(false);
  });

  it('a stretch of a lens, as the same file whenever it is asked for', async () => {
    const [first, second] = segments;
    const clip = {
      kind: 'clip',
      lens: front,
      startMs: first!.startMs + 200,
      endMs: second!.endMs,
      mode: 'exact',
    } as const;
    const one = await kit.upload([clip], { url: kit.url(`${place}/a/`) });
    const other = await kit.upload([clip], { url: kit.url(`${place}/b/`) });
    expect([one.state, other.state]).toEqual(['done', 'done']);
    expect(other.items[0]!.sha256).toBe(one.items[0]!.sha256);
    expect(one.items[0]!.path).toMatch(/\/front_20260822T\d{9}Z\.mp4$/);
    const frames = execFileSync('ffprobe', [
      '-v',
      'error',
      '-count_frames',
      '-select_streams',
      'v',
      '-show_entries',
      'stream=nb_read_frames',
      '-of',
      'csv=p=0',
      one.items[0]!.path!,
    ]);
    expect(Number(frames.toString())).toBeGreaterThan(0);
  });

  it('a video file without its padding, unless that is to stay', async () => {
    const plain = await readFile(await sourceFile('h264'));
    const padding = Buffer.alloc(200_000);
    padding.writeUInt32BE(padding.length, 0);
    padding.write('free', 4);
    const padded = Buffer.concat([plain, padding]);
    const path = await kit.file('padded.mp4', padded);
    const reduced = await kit.upload([path], { url: kit.url(`${place}/{sha256}.mp4`) });
    expect(reduced.items[0]!.savedBytes).toBeGreaterThanOrEqual(padding.length);
    const arrived = await readFile(reduced.items[0]!.path!);
    expect(arrived.length).toBe(padded.length - reduced.items[0]!.savedBytes!);
    expect(sha256(arrived)).toBe(reduced.items[0]!.sha256);
    const whole = await kit.upload([path], { url: kit.url(`${place}/whole.mp4`), reduce: false });
    expect(whole.items).toMatchObject([{ savedBytes: 0, sha256: sha256(padded) }]);
  });

  it('a fragmented file and a damaged one as they are', async () => {
    const [segment] = segments;
    const fragmented = await readFile(join(kit.place.storageDir, segmentPath(segment!)));
    const damaged = Buffer.concat([await readFile(await sourceFile('h264')), Buffer.from([0, 0, 0, 9])]);
    const paths = await Promise.all([kit.file('f.mp4', fragmented), kit.file('d.mp4', damaged)]);
    const { items } = await kit.upload(paths, { url: kit.url(`${place}/`) });
    expect(items.map((item) => item.sha256)).toEqual([sha256(fragmented), sha256(damaged)]);
  });

  it('an empty file', async () => {
    const { state, items } = await kit.upload([await kit.file('empty', Buffer.alloc(0))], {
      url: kit.url(`${place}/`),
    });
    expect(state).toBe('done');
    expect((await stat(items[0]!.path!)).size).toBe(0);
  });

  it('a segment that the disk has damaged is not, and is put away', async () => {
    const segment = segments[2]!;
    const path = join(kit.place.storageDir, segmentPath(segment));
    const bytes = await readFile(path);
    bytes[bytes.length >> 1]! ^= 1;
    await writeFile(path, bytes);
    const { lens, run, seq } = segment;
    const { items } = await kit.upload([{ kind: 'segment', segment: { lens, run, seq } }], {
      url: kit.url(`${place}/`),
    });
    expect(items).toMatchObject([{ state: 'failed', reason: { code: 'SEGMENT_CORRUPT' } }]);
    expect(kit.corrupt).toMatchObject([{ run, seq }]);
  });

  describe('is refused before anything is accepted:', () => {
    const refused = (sources: Parameters<DeliverKit['accept']>[0], code: string, plan = {}) =>
      expect(kit.accept(sources, plan)).rejects.toMatchObject({ code });

    it('a file elsewhere, by whatever way', async () => {
      const secret = join(kit.place.root, 'secret');
      await writeFile(secret, 'secret');
      await symlink(secret, join(kit.outbox, 'link'));
      await symlink(kit.place.root, join(kit.outbox, 'way'));
      for (const path of [
        secret,
        '/etc/passwd',
        join(kit.outbox, 'link'),
        join(kit.outbox, 'way', 'secret'),
        `${kit.outbox}/../secret`,
        `${kit.outbox}x`,
        kit.identityFile,
      ])
        await refused([path], path.endsWith('outboxx') ? 'INPUT_MISSING' : 'UPLOAD_SOURCE_REFUSED');
    });

    it('what is no file', async () => {
      execFileSync('mkfifo', [join(kit.outbox, 'pipe')]);
      await refused([join(kit.outbox, 'pipe')], 'ARGUMENT_INVALID');
      await refused([join(kit.outbox, '.')], 'UPLOAD_SOURCE_REFUSED');
      await refused([kit.place.storageDir + '/front'], 'ARGUMENT_INVALID');
      await refused([join(kit.outbox, 'nothing')], 'INPUT_MISSING');
      await refused(['a.bin'], 'ARGUMENT_INVALID');
      await refused([], 'ARGUMENT_INVALID');
    });

    it('footage that is not there', async () => {
      const [segment] = segments;
      const { lens, run } = segment!;
      await refused([{ kind: 'segment', segment: { lens, run, seq: 99 } }], 'SEGMENT_GONE');
      const roof = 'roof' as typeof front;
      await refused([{ kind: 'clip', lens: roof, startMs: 1, endMs: 2, mode: 'exact' }], 'LENS_UNKNOWN');
    });

    it('two that would have one name, unless it is that of their content', async () => {
      const paths = [await kit.file('one', sampleBytes(10, 1)), await kit.file('two', sampleBytes(10, 2))];
      await refused(paths, 'ARGUMENT_INVALID', { url: kit.url('same.bin') });
      const url = kit.url(`${place}/{sha256}`);
      expect((await kit.upload(paths, { url })).state).toBe('done');
    });

    it('tokens that lead elsewhere, or are not there', async () => {
      const path = await kit.file('a', sampleBytes(1));
      for (const value of ['..', '../../etc', '/etc', 'a\0b', ''])
        await refused([path], 'ARGUMENT_INVALID', { url: kit.url('{case}/{name}'), tokens: { case: value } });
      await refused([path], 'ARGUMENT_INVALID', { url: kit.url('{cse}/{name}'), tokens: { case: '7' } });
      await refused([path], 'ARGUMENT_INVALID', { url: kit.url('{lens}/{name}') });
      await refused([path], 'ARGUMENT_INVALID', { tokens: { vehicle: 'bus-043' } });
      await refused([path], 'ARGUMENT_INVALID', { url: kit.url('../{name}') });
    });
  });
});
