import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunId } from '@gapless/shared/ids';
import { parseLensName } from '@gapless/shared/ids';
import { createLog } from '@gapless/shared/log';
import { DAY_MS } from '@gapless/shared/time';
import { beforeAll, describe, expect, it } from 'vitest';
import { recorded } from '../../../../fixtures/media/index.js';
import { FaultyDisk } from '../../../../test/support/edge/faulty-disk.js';
import { Kill } from '../../../../test/support/edge/kill.js';
import type { RecordingsOptions } from '../../../../test/support/edge/recordings.js';
import { front, Place, Recordings } from '../../../../test/support/edge/recordings.js';
import { protectionsPath } from '../index/index.js';
import { Protections } from './protections.js';
import { shareState } from './share-policy.js';

let bytes: Uint8Array;

beforeAll(async () => {
  bytes = await recorded('tiny');
});

const police = { holder: 'police', reason: 'accident' };

/** Recordings of three segments, and how to name them. */
class Scene implements AsyncDisposable {
  private constructor(
    readonly place: Place,
    readonly recordings: Recordings,
    readonly run: RunId,
  ) {}

  static async make(options: RecordingsOptions = {}): Promise<Scene> {
    const place = await Place.make();
    const recordings = new Recordings(place, options);
    await recordings.begin(front);
    return new Scene(place, recordings, (await recordings.record(front, bytes))!);
  }

  segment(seq: number): { segment: { lens: typeof front; run: RunId; seq: number } } {
    return { segment: { lens: front, run: this.run, seq } };
  }

  rangeOf(seq: number): { startMs: number; endMs: number } {
    const { startMs, endMs } = this.recordings.reader.segments.get(this.segment(seq).segment)!;
    return { startMs, endMs };
  }

  /** Numbers of the segments that may be evicted. */
  get evictable(): number[] {
    return this.recordings.reader.eviction.unreceipted(100).map(({ seq }) => seq);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.recordings[Symbol.asyncDispose]();
    await this.place[Symbol.asyncDispose]();
  }
}

describe('protect', () => {
  it('keeps what it overlaps from being evicted, for as long as anybody protects it', async () => {
    await using scene = await Scene.make();
    const { protections } = scene.recordings;
    const { pins, protectedBytes } = await protections.protect({ selection: scene.segment(1), ...police });
    expect(pins).toEqual([
      {
        ...{ lens: front, ...scene.rangeOf(1), ...police },
        madeMs: scene.recordings.clock.nowMs(),
        expiresMs: undefined,
      },
    ]);
    const { sizeBytes } = scene.recordings.reader.segments.get(scene.segment(1).segment)!;
    expect(protectedBytes).toBe(sizeBytes);
    const insurer = { holder: 'insurer', reason: 'claim' };
    const range = { startMs: scene.rangeOf(1).startMs, endMs: scene.rangeOf(2).endMs };
    await protections.protect({ selection: { lens: front, range }, ...insurer });
    expect(scene.evictable).toEqual([0]);
    const left = await protections.unprotect({ selection: scene.segment(1), holder: 'insurer' });
    expect(left.pins.map(({ holder }) => holder)).toEqual(['police']);
    expect(scene.evictable).toEqual([0]);
    await protections.unprotect({ selection: scene.segment(1), holder: 'police' });
    expect(scene.evictable).toEqual([0, 1]);
    expect(await scene.recordings.check()).toEqual([]);
  });

  it('changes nothing when it is asked for again', async () => {
    await using scene = await Scene.make();
    const { protections, clock } = scene.recordings;
    const first = await protections.protect({ selection: scene.segment(1), ...police });
    await clock.advance(5_000);
    expect(await protections.protect({ selection: scene.segment(1), ...police })).toEqual(first);
    expect((await protections.list()).pins).toEqual(first.pins);
  });

  it('reaches no further than what has been recorded', async () => {
    await using scene = await Scene.make();
    const { protections, clock } = scene.recordings;
    const range = { startMs: scene.rangeOf(2).startMs, endMs: clock.nowMs() + DAY_MS };
    const { pins } = await protections.protect({ selection: { lens: front, range }, ...police });
    expect(pins[0]!.endMs).toBe(Math.max(clock.nowMs(), scene.rangeOf(2).endMs));
    const future = { startMs: clock.nowMs() + 1_000, endMs: clock.nowMs() + 2_000 };
    await expect(
      protections.protect({ selection: { lens: front, range: future }, ...police }),
    ).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' });
  });

  it('refuses what would take more of the disk than it may, and says how much there is', async () => {
    let roomBytes = 1e12;
    await using scene = await Scene.make({ roomBytes: () => roomBytes });
    const { protections, reader } = scene.recordings;
    const total = reader.segments.totalBytes();
    roomBytes = total * 2 - 2; // of which half may be protected: one byte less than there is
    const range = { startMs: scene.rangeOf(0).startMs, endMs: scene.rangeOf(2).endMs };
    const everything = { selection: { lens: front, range }, ...police };
    await expect(protections.protect(everything)).rejects.toMatchObject({
      code: 'PROTECT_SHARE_USED_UP',
      details: { protectedBytes: 0, moreBytes: total, maxBytes: total - 1 },
    });
    expect((await protections.list()).pins).toEqual([]);
    roomBytes += 2;
    await protections.protect(everything);
    roomBytes = 0; // what is protected can be protected by others, and stays so
    await protections.protect({ ...everything, holder: 'insurer' });
    expect(scene.evictable).toEqual([]);
  });

  it('refuses lenses and segments that are not there, and an end that is past', async () => {
    await using scene = await Scene.make();
    const { protections, clock } = scene.recordings;
    const rear = parseLensName('rear');
    const range = { startMs: 0, endMs: 1 };
    await expect(protections.protect({ selection: { lens: rear, range }, ...police })).rejects.toMatchObject({
      code: 'LENS_UNKNOWN',
    });
    await expect(protections.unprotect({ selection: scene.segment(9), holder: 'x' })).rejects.toMatchObject({
      code: 'SEGMENT_GONE',
    });
    await expect(
      protections.protect({ selection: scene.segment(1), ...police, expiresMs: clock.nowMs() }),
    ).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' });
  });

  it('refuses more pins than anybody means', async () => {
    await using scene = await Scene.make();
    const { protections } = scene.recordings;
    const pinAt = (startMs: number): Promise<unknown> =>
      protections.protect({
        selection: { lens: front, range: { startMs, endMs: startMs + 1 } },
        ...police,
      });
    await scene.recordings.index.protections.change(front, () => ({
      remove: [],
      add: Array.from({ length: 1_000 }, (_, at) => ({
        ...{ lens: front, startMs: at * 2, endMs: at * 2 + 1, ...police },
        ...{ madeMs: 0, expiresMs: undefined },
      })),
    }));
    await expect(pinAt(5_000)).rejects.toMatchObject({ code: 'PROTECT_TOO_MANY' });
    await pinAt(1); // joins two
    await pinAt(5_000);
    await protections.look();
  });

  it('ends when it expires', async () => {
    await using scene = await Scene.make();
    const { protections, clock } = scene.recordings;
    const expiresMs = clock.nowMs() + 10_000;
    await protections.protect({ selection: scene.segment(1), ...police, expiresMs });
    await clock.advance(9_999);
    await protections.look();
    expect(scene.evictable).toEqual([0, 2]);
    await clock.advance(1);
    await protections.look();
    expect(scene.evictable).toEqual([0, 1, 2]);
    expect(await readFile(join(scene.place.storageDir, protectionsPath(front)), 'utf8')).toBe('');
  });
});

describe('Protections', () => {
  it.each([
    ['1-rows', []],
    ['2-file', ['police']],
  ])(
    'leaves index and file in accord with the next start after a kill at protect:%s',
    async (step, holders) => {
      await using place = await Place.make();
      const kill = new Kill(`protect:${step}`);
      const killed = new Recordings(place, { disk: kill.disk, step: kill.step });
      await killed.begin(front);
      const run = (await killed.record(front, bytes))!;
      const selection = { segment: { lens: front, run, seq: 1 } };
      await expect(killed.protections.protect({ selection, ...police })).rejects.toThrow('killed at');
      await killed.crash();
      const recordings = new Recordings(place);
      await recordings.begin(front);
      expect((await recordings.protections.list()).pins.map(({ holder }) => holder)).toEqual(holders);
      const text = await readFile(join(place.storageDir, protectionsPath(front)), 'utf8').catch(() => '');
      expect(text.includes('police')).toBe(holders.length > 0);
      expect(await recordings.check()).toEqual([]);
      await recordings.crash();
    },
  );

  it('protects although the disk refuses the file, and writes that later', async () => {
    const disk = new FaultyDisk();
    await using scene = await Scene.make({ disk });
    const { protections } = scene.recordings;
    disk.before = (operation, path) =>
      operation === 'create' && path.includes('protections') ? 'ENOSPC' : undefined;
    await protections.protect({ selection: scene.segment(1), ...police });
    expect(scene.evictable).toEqual([0, 2]);
    disk.before = () => undefined;
    await protections.look();
    expect(await readFile(join(scene.place.storageDir, protectionsPath(front)), 'utf8')).toContain('police');
  });

  it('warns long before nothing more can be protected, and once', async () => {
    const lines: string[] = [];
    await using scene = await Scene.make();
    const { reader, index, disk, clock } = scene.recordings;
    const step = (): void => undefined;
    const log = createLog('test', 'info', { write: (line) => void lines.push(line) });
    let room = 1e12;
    const protections = new Protections({
      ...{ reader, index, disk, clock, step, log, storageDir: scene.place.storageDir },
      roomBytes: () => Promise.resolve(room),
      maxRatio: () => 0.5,
    });
    const said = (): string[] => lines.splice(0).map((line) => (JSON.parse(line) as { msg: string }).msg);
    await protections.protect({ selection: scene.segment(1), ...police });
    expect(said()).toEqual(['protections changed']);
    const { protectedBytes } = await protections.list();
    room = protectedBytes * 2.5; // of which half may be protected, and four fifths of that are
    await protections.look();
    await protections.look();
    expect(said()).toEqual(['protected footage takes most of what it may; take back what is not needed']);
    room = protectedBytes;
    await protections.look();
    expect(said()).toEqual(['protected footage takes all that it may; nothing more can be protected']);
  });
});

describe('shareState', () => {
  it('does not come and go', () => {
    expect(shareState(70, 100, 'ample')).toBe('ample');
    expect(shareState(71, 100, 'ample')).toBe('near');
    expect(shareState(61, 100, 'near')).toBe('near');
    expect(shareState(60, 100, 'near')).toBe('ample');
    expect(shareState(100, 100, 'near')).toBe('full');
    expect(shareState(0, 0, 'ample')).toBe('ample');
  });
});
