import { EventEmitter, once } from 'node:events';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { AppError } from '@gapless/shared/errors';
import type { LensName, RunId } from '@gapless/shared/ids';
import { DAY_MS, HOUR_MS, SECOND_MS } from '@gapless/shared/time';
import { beforeAll, describe, expect, it } from 'vitest';
import { recorded } from '../../../../fixtures/media/index.js';
import { FaultyDisk } from '../../../../test/support/edge/faulty-disk.js';
import { front, passing, Place, rear, Recordings } from '../../../../test/support/edge/recordings.js';
import { segmentPath } from '../index/index.js';
import { RecordingGate } from '../record/recording-gate.js';
import type { Evicted, RetentionPort } from './retention.js';
import { DISK_FULL, LENS_FULL, Retention } from './retention.js';
import type { LensLimits, RetentionLimits } from './retention-policy.js';
import type { Gate } from './room.js';

const NEVER = new AbortController().signal;

let bytes: Uint8Array;

beforeAll(async () => {
  bytes = await recorded('h264NoB');
});

interface KeptOptions extends Partial<RetentionLimits> {
  readonly receipted?: readonly number[];
  /** Limits of the lens front alone. */
  readonly own?: Partial<LensLimits>;
}

/** Retention over real recordings, with what it says. */
class Kept implements AsyncDisposable {
  readonly said: string[] = [];
  readonly evicted: Evicted[] = [];
  readonly failures: AppError[] = [];
  closedBecause: string | undefined;
  /** What the disk says is free, one answer after the other; the last one stays. */
  freeBytes: number[] = [1e12];
  openBytes = 0;
  inUse: readonly number[] = [];
  readonly retention: Retention;
  readonly #happened = new EventEmitter();
  readonly #lensGates = new Map<LensName, RecordingGate>();

  private constructor(
    readonly recordings: Recordings,
    readonly run: RunId,
    public limits: Partial<RetentionLimits>,
    public lensLimits: ReturnType<RetentionPort['lensLimits']>,
  ) {
    const port: RetentionPort = {
      reader: recordings.reader,
      burial: recordings.burial,
      clock: recordings.clock,
      limits: () => ({
        maxBytes: undefined,
        minFreeBytes: 0,
        maxAgeMs: undefined,
        whenFull: 'evict-oldest',
        ...this.limits,
      }),
      lensLimits: () => this.lensLimits,
      freeBytes: () =>
        Promise.resolve(this.freeBytes.length > 1 ? this.freeBytes.shift()! : this.freeBytes[0]!),
      openBytes: () => this.openBytes,
      isInUse: ({ seq }) => this.inUse.includes(seq),
      gate: (lens) => (lens === undefined ? this.#gate() : this.lensGate(lens).own),
      events: {
        onEvicted: (evicted) => {
          this.evicted.push(evicted);
          this.#happened.emit('evicted');
        },
        onPaused: (_, lens) => {
          this.said.push(lens === undefined ? 'paused' : `paused ${lens}`);
          this.#happened.emit('paused');
        },
        onResumed: (_, lens) => this.said.push(lens === undefined ? 'resumed' : `resumed ${lens}`),
        onFailed: (error) => this.failures.push(error),
      },
    };
    this.retention = new Retention(port);
  }

  /** Ten segments of two seconds, `receipted` of which central has. */
  static async of(
    recordings: Recordings,
    { receipted = [], own = {}, ...limits }: KeptOptions,
  ): Promise<Kept> {
    await recordings.begin(front);
    const run = (await recordings.record(front, bytes))!;
    const { index, reader } = recordings;
    await index.markReceipted(receipted.map((seq) => reader.segments.get({ lens: front, run, seq })!));
    const ofFront = { maxBytes: undefined, maxAgeMs: undefined, ...own };
    return new Kept(recordings, run, limits, new Map([[front, ofFront]]));
  }

  /** As the recorder of the lens has it. */
  lensGate(lens: LensName): RecordingGate {
    const gate = this.#lensGates.get(lens) ?? new RecordingGate();
    this.#lensGates.set(lens, gate);
    return gate;
  }

  async happens(what: 'evicted' | 'paused'): Promise<void> {
    await once(this.#happened, what);
  }

  async look(): Promise<void> {
    await this.retention.look(NEVER);
  }

  /** Numbers of the segments that went, in the order in which they did. */
  get gone(): number[] {
    return this.evicted.flatMap(({ segments }) => segments.map(({ seq }) => seq));
  }

  get usedBytes(): number {
    return this.recordings.reader.segments.totalBytes();
  }

  sizeOf(...seqs: readonly number[]): number {
    return seqs.reduce((sum, seq) => {
      const segment = this.recordings.reader.segments.get({ lens: front, run: this.run, seq })!;
      return sum + statSync(join(this.recordings.place.storageDir, segmentPath(segment))).size;
    }, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.recordings.clock.advance(SECOND_MS); // for what is committed lazily
    expect(await this.recordings.check({ readData: false })).toEqual([]);
    await this.recordings.crash();
  }

  #gate(): Gate {
    const close = (why: string): void => void (this.closedBecause = why);
    const open = (): void => void (this.closedBecause = undefined);
    const because = (): string | undefined => this.closedBecause;
    return {
      get closedBecause() {
        return because();
      },
      close,
      open,
    };
  }
}

/** How much ten segments take. */
async function sizes(): Promise<number[]> {
  await using place = await Place.make();
  const kept = await Kept.of(new Recordings(place), {});
  const each = Array.from({ length: 10 }, (_, seq) => kept.sizeOf(seq));
  await kept.recordings.crash();
  return each;
}

describe('Retention', () => {
  it('takes what central has first, then the oldest, until the size fits', async () => {
    const each = await sizes();
    const maxBytes = each.reduce((sum, size) => sum + size) - each[4]! - each[6]! - 1;
    await using place = await Place.make();
    await using kept = await Kept.of(new Recordings(place), { maxBytes, receipted: [6, 4] });
    await kept.look();
    expect(kept.gone).toEqual([4, 6, 0]);
    expect(kept.usedBytes).toBeLessThanOrEqual(maxBytes);
    expect(kept.evicted[0]).toMatchObject({ why: 'space', unreceipted: [{ seq: 0 }] });
    expect(kept.retention.totals).toEqual({
      ...{ segments: 3, bytes: each[4]! + each[6]! + each[0]! },
      ...{ lostSegments: 1, lostBytes: each[0] },
    });
  });

  it('leaves what is protected, and takes it once nobody protects it', async () => {
    await using place = await Place.make();
    await using kept = await Kept.of(new Recordings(place), { maxBytes: 0 });
    const { protections } = kept.recordings;
    const holder = 'police';
    for (const seq of [1, 5])
      await protections.protect({
        selection: { segment: { lens: front, run: kept.run, seq } },
        ...{ holder, reason: 'accident' },
      });
    await kept.look();
    expect(kept.gone).toEqual([0, 2, 3, 4, 6, 7, 8, 9]);
    expect(kept.said).toEqual(['paused']);
    await protections.unprotect({ selection: { segment: { lens: front, run: kept.run, seq: 1 } }, holder });
    await kept.look();
    expect(kept.gone.at(-1)).toBe(1);
  });

  it('counts what is being written', async () => {
    await using place = await Place.make();
    await using kept = await Kept.of(new Recordings(place), { maxBytes: 1_000_000 });
    await kept.look();
    expect(kept.gone).toEqual([]);
    kept.openBytes = 1_000_000 - kept.usedBytes + 1;
    await kept.look();
    expect(kept.gone).toEqual([0]);
  });

  it('keeps so much of the disk free', async () => {
    await using place = await Place.make();
    await using kept = await Kept.of(new Recordings(place), { minFreeBytes: 10_000 });
    kept.freeBytes = [9_999, 10_000];
    await kept.look();
    expect(kept.gone).toEqual([0]);
  });

  it('leaves what is being sent', async () => {
    await using place = await Place.make();
    await using kept = await Kept.of(new Recordings(place), { maxBytes: 0 });
    kept.inUse = [0, 3];
    await kept.look();
    expect(kept.gone).toEqual([1, 2, 4, 5, 6, 7, 8, 9]);
  });

  it('pauses recording rather than lose footage, if told so, and resumes when there is room', async () => {
    await using place = await Place.make();
    const limits = { maxBytes: 1, whenFull: 'stop-recording', receipted: [2, 3] } as const;
    await using kept = await Kept.of(new Recordings(place), limits);
    await kept.look();
    expect(kept.gone).toEqual([2, 3]);
    expect([kept.said, kept.closedBecause]).toEqual([['paused'], DISK_FULL]);
    await kept.look();
    expect(kept.said).toEqual(['paused']);
    const { index, reader } = kept.recordings;
    const range = { startMs: 0, endMs: Number.MAX_SAFE_INTEGER };
    await index.markReceipted(reader.segments.newest(front, { ...range, endMs: 4e12 }, 100));
    await kept.look();
    expect([kept.said, kept.closedBecause]).toEqual([['paused', 'resumed'], undefined]);
    expect(kept.usedBytes).toBe(0);
  });

  it('takes what is too old, a part of it at a time', async () => {
    await using place = await Place.make();
    await using kept = await Kept.of(new Recordings(place), { maxAgeMs: 30 * DAY_MS });
    await kept.recordings.clock.advance(HOUR_MS);
    await kept.look();
    expect(kept.gone).toEqual([]);
    kept.recordings.clock.jumpWall(365 * DAY_MS);
    await kept.look();
    expect(kept.gone.length).toBe(1);
    await kept.recordings.clock.advance(HOUR_MS);
    await kept.look();
    expect(kept.gone.length).toBeGreaterThan(1);
    expect(kept.gone.length).toBeLessThan(10);
    expect(kept.evicted.at(-1)!.why).toBe('age');
    for (let hour = 0; hour < 20; hour++) {
      await kept.recordings.clock.advance(HOUR_MS);
      await kept.look();
    }
    expect(kept.usedBytes).toBe(0);
  });

  it('turns no more rows into tombstones while the disk lets no file go', async () => {
    await using place = await Place.make();
    const disk = new FaultyDisk();
    const recordings = new Recordings(place, { disk });
    const kept = await Kept.of(recordings, { maxBytes: 0 });
    kept.inUse = [4, 5, 6, 7, 8, 9];
    disk.before = (operation) => (operation === 'remove' ? 'EROFS' : undefined);
    await kept.look();
    const evicted = kept.gone;
    expect(evicted).toEqual([0, 1, 2, 3]);
    expect(kept.failures[0]).toMatchObject({ code: 'STORAGE_WRITE_FAILED' });
    kept.inUse = [];
    await kept.look();
    expect(kept.gone).toEqual(evicted);
    disk.before = () => undefined;
    await kept.look();
    expect(kept.usedBytes).toBe(0);
    await kept[Symbol.asyncDispose]();
  });

  it('keeps other limits once it is told of them, and lets go what was paused for one that is gone', async () => {
    await using place = await Place.make();
    await using kept = await Kept.of(new Recordings(place), { whenFull: 'stop-recording' });
    kept.lensLimits = new Map([[front, { maxBytes: 1, maxAgeMs: undefined }]]);
    await kept.look();
    expect(kept.said).toEqual([]);
    kept.retention.limitsChanged();
    await kept.look();
    expect(kept.said).toEqual(['paused front']);
    kept.lensLimits = new Map();
    kept.limits = { maxBytes: 1 };
    kept.retention.limitsChanged();
    expect(kept.lensGate(front).closedBecause).toBeUndefined();
    await kept.look();
    expect(kept.usedBytes).toBe(0);
  });

  it('looks again when it is told that something changed', async () => {
    await using place = await Place.make();
    await using kept = await Kept.of(new Recordings(place), { maxBytes: 0 });
    const { clock } = kept.recordings;
    kept.inUse = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
    const stop = new AbortController();
    const judged = kept.happens('paused');
    const running = kept.retention.run(stop.signal);
    await judged;
    kept.inUse = [1, 2, 3, 4, 5, 6, 7, 8, 9];
    const evicted = kept.happens('evicted');
    kept.retention.kick();
    await clock.advance(SECOND_MS); // and not the ten after which it looks by itself
    await evicted;
    expect(kept.gone).toEqual([0]);
    stop.abort();
    await passing(clock, running);
  });

  describe('with limits of a lens', () => {
    /** Records the same of another lens, half a second later, so that the oldest of all are by turns of both. */
    async function withRear(recordings: Recordings, options: KeptOptions): Promise<Kept> {
      await recordings.begin(rear);
      await recordings.record(rear, bytes);
      return Kept.of(recordings, options);
    }
    const lensesOf = (kept: Kept): string[] => [
      ...new Set(kept.evicted.flatMap(({ segments }) => segments.map(({ lens }) => lens))),
    ];

    it('takes of that lens alone what exceeds its size, what central has first', async () => {
      const each = await sizes();
      const maxBytes = each.reduce((sum, size) => sum + size) - each[4]! - 1;
      await using place = await Place.make();
      await using kept = await withRear(new Recordings(place), { own: { maxBytes }, receipted: [4] });
      await kept.look();
      expect([kept.gone, lensesOf(kept)]).toEqual([[4, 0], [front]]);
      expect(kept.evicted.at(-1)).toMatchObject({ why: 'space', unreceipted: [{ lens: front, seq: 0 }] });
    });

    it('does not count what is protected, so that pins never keep the lens from recording', async () => {
      const each = await sizes();
      await using place = await Place.make();
      await using kept = await Kept.of(new Recordings(place), { own: { maxBytes: each[9]! } });
      const selection = { lens: front, range: { startMs: 0, endMs: kept.recordings.clock.nowMs() } };
      await kept.recordings.protections.protect({ selection, holder: 'police', reason: 'accident' });
      await kept.look();
      expect([kept.gone, kept.said]).toEqual([[], []]);
    });

    it('pauses that lens alone rather than lose footage, if told so', async () => {
      await using place = await Place.make();
      const options = { own: { maxBytes: 1 }, whenFull: 'stop-recording' } as const;
      await using kept = await withRear(new Recordings(place), options);
      await kept.look();
      expect([kept.said, kept.closedBecause, kept.gone]).toEqual([[`paused ${front}`], undefined, []]);
      expect(kept.lensGate(front).closedBecause).toBe(LENS_FULL);
      const { index, reader } = kept.recordings;
      const range = { startMs: 0, endMs: 4e12 };
      await index.markReceipted(reader.segments.newest(front, range, 100));
      await kept.look();
      expect(kept.said).toEqual([`paused ${front}`, `resumed ${front}`]);
      expect(lensesOf(kept)).toEqual([front]);
    });

    it('lets a lens keep less, or more, than is else allowed', async () => {
      for (const [own, everyone, goes] of [
        [2 * HOUR_MS, 30 * DAY_MS, front],
        [30 * DAY_MS, 2 * HOUR_MS, rear],
      ] as const) {
        await using place = await Place.make();
        const options = { own: { maxAgeMs: own }, maxAgeMs: everyone };
        await using kept = await withRear(new Recordings(place), options);
        for (let hour = 0; hour < 24; hour++) {
          await kept.recordings.clock.advance(HOUR_MS);
          await kept.look();
        }
        expect([lensesOf(kept), kept.gone.length]).toEqual([[goes], 10]);
        expect(kept.evicted[0]!.why).toBe('age');
      }
    });
  });
});
