import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunId } from '@gapless/shared/ids';
import { SimulatedClock } from '@gapless/shared/time';
import { beforeAll, describe, expect, it } from 'vitest';
import { recorded } from '../../../../fixtures/media/index.js';
import { Kill } from '../../../../test/support/edge/kill.js';
import type { RecordingsOptions } from '../../../../test/support/edge/recordings.js';
import { front, passing, Place, Recordings } from '../../../../test/support/edge/recordings.js';
import { recordingDirectory } from '../index/index.js';

/** Three fragments of a second each. */
let bytes: Uint8Array;

beforeAll(async () => {
  bytes = await recorded('tiny');
});

/** Long enough that no snapshot is taken for its own sake. */
const memory = { snapshotEvery: 600_000 } satisfies RecordingsOptions;

function closed({ reader }: Recordings, run: RunId): number[] {
  const record = reader.runs.get(front, run);
  return record ? reader.segments.ofRun(record, 0, 1_000).map(({ seq }) => seq) : [];
}

/** Records three segments of which the last snapshot knows nothing, and dies. */
async function died(place: Place): Promise<{ readonly run: RunId; readonly toldSeq: number }> {
  const recordings = new Recordings(place, memory);
  await recordings.begin(front);
  const recording = await recordings.feed(front, bytes);
  const { changeSeq: toldSeq } = recordings.reader;
  await recordings.crash();
  return { run: recording.run!, toldSeq };
}

describe('an index in memory after a crash', () => {
  it.each([
    ['and goes on in memory', memory],
    ['and is written at once from then on', {}],
  ])('is completed from the files %s', async (_, options) => {
    await using place = await Place.make();
    const { run, toldSeq } = await died(place);
    const recordings = new Recordings(place, options);
    expect(closed(recordings, run)).toEqual([]);
    await recordings.begin(front);
    expect(closed(recordings, run)).toEqual([0, 1, 2]);
    // Central may have heard of them already, and hears of them again.
    const [first] = recordings.reader.segments.changedAfter(toldSeq, 10);
    expect(first?.row.seq).toBe(0);
    expect(recordings.reader.isSnapshot).toBe('snapshotEvery' in options);
    expect(await recordings.check()).toEqual([]);
    await recordings.crash();
    const once = new Recordings(place);
    expect(closed(once, run)).toEqual([0, 1, 2]);
    await once.crash();
  });

  it.each([
    'complete:1-bring-back',
    'recover:3-row',
    'recover:4-rename',
    'snapshot:1-reserve',
    'snapshot:2-commit',
  ])('loses nothing when that is killed at %s, first or second time', async (step) => {
    for (const occurrence of [1, 2]) {
      await using place = await Place.make();
      const { run } = await died(place);
      const kill = new Kill(step, occurrence);
      const dying = new Recordings(place, { ...memory, disk: kill.disk, step: kill.step });
      await dying.begin(front).catch(() => undefined);
      expect(kill.isDone).toBe(true);
      await dying.crash();
      const recordings = new Recordings(place, memory);
      await recordings.begin(front);
      expect(closed(recordings, run)).toEqual([0, 1, 2]);
      expect(await readdir(join(place.storageDir, recordingDirectory(front)))).toEqual([]);
      expect(await recordings.check()).toEqual([]);
      await recordings.crash();
    }
  });

  it('never counts changes back, however often it dies', async () => {
    await using place = await Place.make();
    let lastSeq = 0;
    for (let time = 0; time < 4; time++) {
      const { toldSeq } = await died(place);
      expect(toldSeq).toBeGreaterThan(lastSeq);
      lastSeq = toldSeq;
    }
  });

  it('still has the deletions, and no file of them comes back', async () => {
    await using place = await Place.make();
    const before = new Recordings(place, memory);
    await before.begin(front);
    const run = (await before.feed(front, bytes)).run!;
    await before.burial.bury([{ lens: front, run, seq: 1 }], 'evicted');
    await before.crash();
    const after = new Recordings(place, memory);
    await after.begin(front);
    expect(closed(after, run)).toEqual([0, 2]);
    expect(after.reader.tombstones.get({ lens: front, run, seq: 1 })).toMatchObject({ reason: 'evicted' });
    expect(await after.check()).toEqual([]);
    await after.crash();
  });
});

describe('an index in memory', () => {
  it('acknowledges a receipt with the snapshot that has it, and says what is new at once', async () => {
    await using place = await Place.make();
    const clock = new SimulatedClock(Date.UTC(2026, 7, 22, 16));
    await using recordings = new Recordings(place, { clock, snapshotEvery: 60_000 });
    await recordings.begin(front);
    const run = (await recordings.feed(front, bytes)).run!;
    expect(await recordings.check({ isRunning: true })).toEqual([]);
    const segment = recordings.reader.segments.get({ lens: front, run, seq: 0 })!;
    const startedMs = clock.monotonicMs();
    await passing(clock, recordings.index.markReceipted([segment]));
    expect(clock.monotonicMs() - startedMs).toBeGreaterThan(50_000);
    await using place2 = await place.copy();
    const copied = new Recordings(place2);
    expect(copied.reader.segments.get({ lens: front, run, seq: 0 })!.receipted).toBe(true);
    await copied.crash();
  });
});
