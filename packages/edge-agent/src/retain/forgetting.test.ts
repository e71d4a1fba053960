import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunId } from '@gapless/shared/ids';
import { DAY_MS } from '@gapless/shared/time';
import { beforeAll, describe, expect, it } from 'vitest';
import { recorded } from '../../../../fixtures/media/index.js';
import { FaultyDisk } from '../../../../test/support/edge/faulty-disk.js';
import { front, passing, Place, Recordings } from '../../../../test/support/edge/recordings.js';
import { settleJournal } from '../index/index.js';
import { forgetDays } from './forgetting.js';
import { KEEP_MS, mayForget } from './forgetting-policy.js';

const FIRST_DAY = '2026-08-22';
const endOfFirstDayMs = Date.UTC(2026, 7, 23);

describe('mayForget', () => {
  const facts = {
    ...{ segments: 0, segmentsOfRuns: 0, openRuns: 0, filesLeft: 0 },
    newestMs: endOfFirstDayMs + 5,
    changeSeq: 7,
  };
  const old = { day: FIRST_DAY, facts, nowMs: endOfFirstDayMs + 5 + KEEP_MS, toldSeq: 7 };

  it('waits until all of the day is old enough', () => {
    expect(mayForget(old)).toBe(true);
    expect(mayForget({ ...old, nowMs: old.nowMs - 1 })).toBe(false);
  });

  it('waits for the end of a day on which little happened', () => {
    const early = { ...old, facts: { ...facts, newestMs: 0 } };
    expect(mayForget({ ...early, nowMs: endOfFirstDayMs + KEEP_MS })).toBe(true);
    expect(mayForget({ ...early, nowMs: endOfFirstDayMs + KEEP_MS - 1 })).toBe(false);
  });

  it('waits until central has been told', () => {
    expect(mayForget({ ...old, toldSeq: 6 })).toBe(false);
  });

  it.each(['segments', 'segmentsOfRuns', 'openRuns', 'filesLeft'] as const)('keeps a day with %s', (key) => {
    expect(mayForget({ ...old, facts: { ...facts, [key]: 1 } })).toBe(false);
  });
});

describe('forgetDays', () => {
  let bytes: Uint8Array;

  beforeAll(async () => {
    bytes = await recorded('tiny');
  });

  async function forget(recordings: Recordings, toldSeq = Number.POSITIVE_INFINITY): Promise<void> {
    const { disk, clock, reader, index, journal, place } = recordings;
    await forgetDays({
      disk,
      clock,
      reader,
      index,
      journal,
      storageDir: place.storageDir,
      toldSeq: () => toldSeq,
    });
  }

  /** Two runs a day apart, with an absence in between; the segments of the first are evicted. */
  async function twoDays(recordings: Recordings): Promise<{ first: RunId; second: RunId }> {
    const { clock, index, reader, burial } = recordings;
    await recordings.begin(front);
    const first = (await recordings.record(front, bytes))!;
    const startMs = reader.runs.get(front, first)!.endMs!;
    await clock.advance(DAY_MS);
    await index.addAbsence({ lens: front, startMs, endMs: clock.nowMs(), reason: 'off', detail: undefined });
    const second = (await recordings.record(front, bytes))!;
    await burial.bury(
      [0, 1, 2].map((seq) => ({ lens: front, run: first, seq })),
      'evicted',
    );
    await clock.advance(1_000);
    await passing(clock, settleJournal(recordings));
    return { first, second };
  }

  it('forgets a day with its rows, its journal and its directory', async () => {
    await using place = await Place.make();
    await using recordings = new Recordings(place);
    const { reader, clock } = recordings;
    const { first, second } = await twoDays(recordings);
    const directory = join(place.storageDir, front, FIRST_DAY);
    await clock.advance(KEEP_MS - DAY_MS);
    await forget(recordings);
    expect(reader.runs.get(front, first)).toBeDefined();
    await clock.advance(2 * DAY_MS);
    await forget(recordings);
    expect(reader.runs.get(front, first)).toBeUndefined();
    expect(reader.tombstones.get({ lens: front, run: first, seq: 0 })).toBeUndefined();
    expect(reader.absences.newest(front, { startMs: 0, endMs: clock.nowMs() }, 1)).toEqual([]);
    expect(existsSync(directory)).toBe(false);
    expect(reader.runs.get(front, second)).toBeDefined();
    expect(await recordings.check()).toEqual([]);
  });

  it('never forgets what central has not heard', async () => {
    await using place = await Place.make();
    await using recordings = new Recordings(place);
    const { first } = await twoDays(recordings);
    await recordings.clock.advance(2 * KEEP_MS);
    await forget(recordings, recordings.reader.changeSeq - 1);
    expect(recordings.reader.runs.get(front, first)).toBeDefined();
  });

  it("keeps a day's directory with somebody's own file in it", async () => {
    await using place = await Place.make();
    await using recordings = new Recordings(place);
    await twoDays(recordings);
    const note = join(place.storageDir, front, FIRST_DAY, 'note.txt');
    await writeFile(note, 'mine');
    await recordings.clock.advance(2 * KEEP_MS);
    await forget(recordings);
    expect(existsSync(note)).toBe(true);
  });

  it('finishes what a crash between the rows and the journal left', async () => {
    await using place = await Place.make();
    const disk = new FaultyDisk();
    await using recordings = new Recordings(place, { disk });
    const { first } = await twoDays(recordings);
    await recordings.clock.advance(2 * KEEP_MS);
    disk.before = (operation) => (operation === 'remove' ? 'EIO' : undefined);
    await expect(forget(recordings)).rejects.toThrow('EIO');
    expect(recordings.reader.runs.get(front, first)).toBeUndefined();
    disk.before = () => undefined;
    await forget(recordings);
    expect(existsSync(join(place.storageDir, front, FIRST_DAY))).toBe(false);
    expect(await recordings.check()).toEqual([]);
  });
});
