import { parseLensName, parseRunId } from '@gapless/shared/ids';
import type { Database } from '@gapless/shared/sqlite';
import { SimulatedClock } from '@gapless/shared/time';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { front, rear } from '../../../../test/support/edge/recordings.js';
import { changesAfter } from './changes.js';
import { IndexReader } from './index-reader.js';
import { IndexWriter } from './index-writer.js';
import type { JournalNote } from './journal/index.js';
import { openIndex } from './open-index.js';
import type { NewRun, SegmentRecord } from './rows.js';

const startMs = Date.UTC(2026, 7, 22, 16);
const run = parseRunId('20260822T160000000Z-3fa9c1');

let database: Database;
let reader: IndexReader;
let index: IndexWriter;
let notes: JournalNote[];

beforeEach(() => {
  database = openIndex(':memory:');
  reader = new IndexReader(database);
  notes = [];
  index = new IndexWriter(database, new SimulatedClock(startMs), { note: (note) => void notes.push(note) });
});
afterEach(() => database.close());

function newRun(more: Partial<NewRun> = {}): NewRun {
  return {
    ...{ lens: front, run, bootId: 'boot-1', monotonicMs: 1_000.4, clockTrusted: true, startMs },
    ...{ codecs: ['avc1.64001f', 'mp4a.40.2'], width: 640, height: 360, ...more },
  };
}

/** A segment of ten seconds. */
function segment(seq: number, more: Partial<SegmentRecord> = {}): SegmentRecord {
  const from = startMs + seq * 10_000;
  return {
    ...{ lens: front, run, seq, startMs: from, endMs: from + 10_000, fileStartMs: from, sizeBytes: 100 },
    ...{ sha256: `${seq}`.padStart(64, '0'), firstFragment: seq * 10 + 1, fragmentCount: 10 },
    ...{ fragments: new Uint8Array([1]), holes: [], receipted: false, adopted: false, ...more },
  };
}

async function recorded(...seqs: readonly number[]): Promise<void> {
  await index.beginRun(newRun());
  for (const seq of seqs) await index.addSegment(segment(seq));
}

describe('IndexWriter', () => {
  it('gives back what it was given', async () => {
    const holes = [{ startMs: startMs + 1_000, endMs: startMs + 4_000 }];
    await recorded();
    await index.addSegment(segment(0, { holes }));
    expect(reader.runs.get(front, run)).toEqual({
      ...newRun({ monotonicMs: 1_000 }),
      order: 1,
      endMs: undefined,
      endReason: undefined,
    });
    const found = reader.segments.get({ lens: front, run, seq: 0 });
    expect({ ...found, fragments: [...found!.fragments] }).toEqual({
      ...segment(0, { holes }),
      fragments: [1],
    });
    expect(reader.segments.get({ lens: rear, run, seq: 0 })).toBeUndefined();
  });

  it('ends a run once, and not before it began', async () => {
    await recorded();
    await index.endRun(front, run, { endMs: startMs - 5, reason: 'crashed' });
    expect(reader.runs.get(front, run)).toMatchObject({ endMs: startMs, endReason: 'crashed' });
    await expect(index.endRun(front, run, { endMs: startMs, reason: 'stopped' })).rejects.toThrow('is open');
  });

  it('takes no segment of a run that nobody knows, and no number twice', async () => {
    await expect(index.addSegment(segment(0))).rejects.toThrow('is known');
    await recorded(0);
    await expect(index.addSegment(segment(0, { startMs: startMs + 1 }))).rejects.toThrow();
    expect(reader.segments.totalBytes()).toBe(100);
  });

  it('gives every change a number of its own, and tells a row that changed twice once', async () => {
    await recorded(0, 1);
    await index.endRun(front, run, { endMs: startMs + 20_000, reason: 'stopped' });
    await index.buryMany([segment(0)], { deletedMs: 7, reason: 'evicted' });
    const { changes, throughSeq, complete } = changesAfter(reader, 0, 100);
    expect(changes.map(({ seq, kind }) => [seq, kind])).toEqual([
      [3, 'segment'],
      [4, 'run'],
      [5, 'tombstone'],
    ]);
    expect([throughSeq, complete]).toEqual([5, true]);
    expect(changesAfter(reader, 5, 100)).toEqual({ changes: [], throughSeq: 5, complete: true });
  });

  it('tells changes page by page without leaving one out', async () => {
    await recorded(0, 1, 2, 3, 4);
    await index.addAbsence({ lens: rear, startMs: 5, endMs: 9, reason: 'off', detail: undefined });
    const told: number[] = [];
    for (let after = 0, complete = false; !complete;) {
      const page = changesAfter(reader, after, 2);
      told.push(...page.changes.map(({ seq }) => seq));
      ({ throughSeq: after, complete } = page);
    }
    expect(told).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  it('says of a listener’s change only what is committed', async () => {
    const seen: number[] = [];
    const stop = index.onChange(() => seen.push(reader.changeSeq));
    await recorded(0);
    stop();
    await index.addSegment(segment(1));
    expect(seen).toEqual([1, 2]);
  });

  it('turns segments into tombstones, and leaves out what is not there', async () => {
    await recorded(0, 1);
    const burial = { deletedMs: startMs + 99, reason: 'evicted' } as const;
    const [tombstone, ...more] = await index.buryMany([segment(0), segment(7)], burial);
    const { lens, seq, endMs, fileStartMs, sizeBytes, sha256 } = segment(0);
    expect(tombstone).toEqual({ lens, run, seq, startMs, endMs, fileStartMs, sizeBytes, sha256, ...burial });
    expect(more).toEqual([]);
    expect(reader.tombstones.withFilesLeft(10)).toEqual([tombstone]);
    expect(reader.segments.totalBytes()).toBe(100);
    void index.noteFilesGone([segment(0)]);
    index[Symbol.dispose]();
    expect(reader.tombstones.withFilesLeft(10)).toEqual([]);
  });

  it('takes a receipt for the very same bytes only', async () => {
    await recorded(0, 1);
    const [wrong, right] = [{ ...segment(0), sha256: 'f'.repeat(64) }, segment(1)];
    await index.markReceipted([wrong, right, right]);
    const receipted = [0, 1].map((seq) => reader.segments.get({ lens: front, run, seq })!.receipted);
    expect(receipted).toEqual([false, true]);
    expect(notes.filter(({ entry }) => entry.kind === 'receipt')).toHaveLength(1);
  });

  it('lets an absence grow in its row', async () => {
    const absence = { lens: front, startMs: 5, reason: 'no-signal' } as const;
    await index.addAbsence({ ...absence, endMs: 9, detail: undefined });
    await index.addAbsence({ ...absence, endMs: 20, detail: 'no network route to the camera' });
    expect(reader.absences.newest(front, { startMs: 0, endMs: 100 }, 10)).toEqual([
      { ...absence, endMs: 20, detail: 'no network route to the camera' },
    ]);
  });

  it('notes in the journal what it has committed, with the day in which it lies', async () => {
    await recorded(0);
    await index.endRun(front, run, { endMs: startMs + 10_000, reason: 'stopped' });
    await index.buryMany([segment(0)], { deletedMs: 7, reason: 'evicted' });
    await index.addAbsence({
      lens: front,
      startMs: startMs + 86_400_000,
      endMs: 4e12,
      reason: 'off',
      detail: 'x',
    });
    expect(notes.map(({ day, changeSeq, entry }) => [day, changeSeq, entry.kind])).toEqual([
      ['2026-08-22', 1, 'run'],
      ['2026-08-22', 3, 'run'],
      ['2026-08-22', 4, 'tombstone'],
      ['2026-08-23', 5, 'absence'],
    ]);
  });

  it('knows whether the agent stopped in an orderly way', async () => {
    expect(reader.stoppedMs).toBeUndefined();
    await index.noteStop(startMs);
    expect(reader.stoppedMs).toBe(startMs);
    await index.noteRunning();
    expect(reader.stoppedMs).toBeUndefined();
  });
});

describe('SegmentQueries', () => {
  const range = (from: number, to: number) => ({ startMs: startMs + from, endMs: startMs + to });
  const seqs = (found: readonly SegmentRecord[]): number[] => found.map(({ seq }) => seq);

  it('finds what overlaps a range, which is half-open', async () => {
    await recorded(0, 1, 2, 3);
    expect(seqs(reader.segments.overlapping(front, range(10_000, 20_000)))).toEqual([1]);
    expect(seqs(reader.segments.overlapping(front, range(9_999, 20_001)))).toEqual([0, 1, 2]);
    expect(seqs(reader.segments.overlapping(front, range(40_000, 50_000)))).toEqual([]);
    expect(reader.segments.overlapping(rear, range(0, 50_000))).toEqual([]);
    expect(seqs(reader.segments.newest(front, range(0, 40_000), 2))).toEqual([3, 2]);
  });

  it('finds the segment of a file', async () => {
    await recorded(0, 1);
    const name = { fileStartMs: startMs + 10_000, runSuffix: '3fa9c1', seq: 1 };
    expect(reader.segments.ofFile(front, name)!.seq).toBe(1);
    expect(reader.segments.ofFile(front, { ...name, runSuffix: '000000' })).toBeUndefined();
    expect(reader.segments.ofFile(front, { ...name, fileStartMs: startMs })).toBeUndefined();
  });

  it('chains to the segment that was closed last, also when it is deleted or the wall clock was set back', async () => {
    expect(reader.segments.lastSha256(front)).toBeUndefined();
    await recorded(0, 1);
    await index.buryMany([segment(1)], { deletedMs: 7, reason: 'evicted' });
    expect(reader.segments.lastSha256(front)).toBe(segment(1).sha256);
    const earlier = parseRunId('20200101T000000000Z-aaaaaa');
    await index.beginRun(newRun({ run: earlier, startMs: 1_577_836_800_000 }));
    expect(reader.segments.lastSha256(front)).toBe(segment(1).sha256);
    const sha256 = 'e'.repeat(64);
    await index.addSegment(
      segment(0, { run: earlier, startMs: 1_577_836_800_000, endMs: 1_577_836_801_000, sha256 }),
    );
    expect(reader.segments.lastSha256(front)).toBe(sha256);
  });

  it('offers what central has, and the oldest, for eviction', async () => {
    await recorded(0, 1, 2, 3);
    await index.markReceipted([segment(3), segment(1)]);
    expect(reader.eviction.receipted(10).map(({ seq }) => seq)).toEqual([1, 3]);
    expect(reader.eviction.unreceipted(10).map(({ seq }) => seq)).toEqual([0, 2]);
    expect(reader.eviction.unreceipted(1, front).map(({ seq }) => seq)).toEqual([0]);
    expect(reader.eviction.receipted(10, front).map(({ seq }) => seq)).toEqual([1, 3]);
    expect(reader.eviction.receipted(10, parseLensName('rear'))).toEqual([]);
    expect(reader.eviction.olderThan(front, startMs + 30_000, 10).map(({ seq }) => seq)).toEqual([0, 1, 2]);
  });

  it('never calls old what was recorded while nobody knew the time', async () => {
    await index.beginRun(newRun({ clockTrusted: false }));
    await index.addSegment(segment(0));
    expect(reader.eviction.olderThan(front, startMs * 2, 10)).toEqual([]);
  });
});
