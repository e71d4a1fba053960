import type { LensName, RunId } from '@gapless/shared/ids';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '@gapless/shared/time';
import { beforeAll, describe, expect, it } from 'vitest';
import { recorded } from '../../../../fixtures/media/index.js';
import { front, Place, Recordings } from '../../../../test/support/edge/recordings.js';
import { Forecaster } from './forecaster.js';
import type { LensLimits } from './retention-policy.js';

let bytes: Uint8Array;

beforeAll(async () => {
  bytes = await recorded('h264NoB');
});

/** Recordings, and how long it is foreseen to last until footage of the lens front is lost. */
class Scene implements AsyncDisposable {
  roomBytes = 0;
  readonly lensLimits = new Map<LensName, LensLimits>();
  readonly #forecaster: Forecaster;

  private constructor(
    readonly place: Place,
    readonly recordings: Recordings,
    readonly run: RunId,
  ) {
    const { reader, clock } = recordings;
    this.#forecaster = new Forecaster({
      ...{ reader, clock, openBytes: () => 0, roomBytes: () => Promise.resolve(this.roomBytes) },
      lensLimits: () => this.lensLimits,
      limits: () => ({ maxBytes: undefined, minFreeBytes: 0, maxAgeMs: undefined, whenFull: 'evict-oldest' }),
    });
  }

  /** Ten segments, and room for as many bytes more as come in a hundred seconds. */
  static async make(): Promise<Scene> {
    const place = await Place.make();
    const recordings = new Recordings(place);
    await recordings.begin(front);
    const scene = new Scene(place, recordings, (await recordings.record(front, bytes))!);
    scene.roomBytes = scene.usedBytes + scene.rate * 100;
    return scene;
  }

  get usedBytes(): number {
    return this.recordings.reader.segments.totalBytes();
  }

  /** Bytes per second since the first segment began. */
  get rate(): number {
    const { reader, clock } = this.recordings;
    const sinceMs = reader.runs.get(front, this.run)!.startMs;
    return (this.usedBytes * SECOND_MS) / (clock.nowMs() - sinceMs);
  }

  sizeOf(seq: number): number {
    return this.recordings.reader.segments.get({ lens: front, run: this.run, seq })!.sizeBytes;
  }

  async lasts(): Promise<number | undefined> {
    await this.recordings.clock.advance(10 * SECOND_MS); // for as long a forecast holds
    const etaMs = (await this.#forecaster.etas()).get(front);
    return etaMs === undefined ? undefined : (etaMs - this.recordings.clock.nowMs()) / SECOND_MS;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.recordings.crash();
    await this.place[Symbol.asyncDispose]();
  }
}

describe('Forecaster', () => {
  it('foresees how long the room lasts at the rate of late', async () => {
    await using scene = await Scene.make();
    const slack = scene.roomBytes - scene.usedBytes;
    expect(await scene.lasts()).toBeCloseTo(slack / scene.rate, 2);
  });

  it('counts what central has as room, and not what is protected', async () => {
    await using scene = await Scene.make();
    const { reader, index, protections } = scene.recordings;
    const refs = [0, 1].map((seq) => ({ lens: front, run: scene.run, seq }));
    const slack = scene.roomBytes - scene.usedBytes;
    await index.markReceipted(refs.map((ref) => reader.segments.get(ref)!));
    expect(await scene.lasts()).toBeCloseTo((slack + scene.sizeOf(0) + scene.sizeOf(1)) / scene.rate, 2);
    const selection = { segment: refs[1]! };
    await protections.protect({ selection, holder: 'police', reason: 'accident' });
    expect(await scene.lasts()).toBeCloseTo((slack + scene.sizeOf(0)) / scene.rate, 2);
  });

  it('foresees no loss where central has everything, or nothing was recorded of late', async () => {
    await using scene = await Scene.make();
    const { reader, index, clock } = scene.recordings;
    await clock.advance(2 * HOUR_MS);
    expect(await scene.lasts()).toBeUndefined();
    await scene.recordings.record(front, bytes);
    expect(await scene.lasts()).toBeGreaterThan(0);
    const everything = { startMs: 0, endMs: Number.MAX_SAFE_INTEGER };
    await index.markReceipted(reader.segments.overlapping(front, everything));
    expect(await scene.lasts()).toBeUndefined();
  });

  it('knows the limits of the lens itself', async () => {
    await using scene = await Scene.make();
    const slack = (scene.roomBytes - scene.usedBytes) / 2;
    scene.lensLimits.set(front, { maxBytes: scene.usedBytes + slack, maxAgeMs: undefined });
    expect(await scene.lasts()).toBeCloseTo(slack / scene.rate, 2);
    const first = scene.recordings.reader.segments.get({ lens: front, run: scene.run, seq: 0 })!;
    const maxAgeMs = scene.recordings.clock.nowMs() - first.endMs + MINUTE_MS;
    scene.lensLimits.set(front, { maxBytes: undefined, maxAgeMs });
    expect(await scene.lasts()).toBeCloseTo((MINUTE_MS - 10 * SECOND_MS) / SECOND_MS, 2);
  });

  it('notices within minutes that a lens records faster', async () => {
    await using scene = await Scene.make();
    const { recordings } = scene;
    await recordings.clock.advance(30 * MINUTE_MS);
    const slow = (await scene.lasts())!;
    for (let run = 0; run < 8; run++) await recordings.record(front, bytes);
    scene.roomBytes += 8 * scene.sizeOf(0) * 10;
    expect(await scene.lasts()).toBeLessThan(slow / 4);
  });
});
