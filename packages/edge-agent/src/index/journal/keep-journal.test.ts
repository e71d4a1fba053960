import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { recorded } from '../../../../../fixtures/media/index.js';
import { FaultyDisk } from '../../../../../test/support/edge/faulty-disk.js';
import { front, passing, Place, Recordings } from '../../../../../test/support/edge/recordings.js';
import { journalPath } from '../paths.js';
import { catchUp, settleJournal } from './keep-journal.js';

const path = (place: Place): string => join(place.storageDir, journalPath(front, '2026-08-22'));

describe('settleJournal', () => {
  it('notes how far the journal reaches, and nothing is noted again after that', async () => {
    await using place = await Place.make();
    const recordings = new Recordings(place);
    await recordings.begin(front);
    await recordings.record(front, await recorded('tiny'));
    await passing(recordings.clock, settleJournal(recordings));
    expect(recordings.reader.journalSeq).toBe(recordings.journal.notedSeq);
    const settled = await readFile(path(place), 'utf8');
    await recordings.crash();
    const again = new Recordings(place);
    await catchUp(again);
    expect(await readFile(path(place), 'utf8')).toBe(settled);
    await again.crash();
  });

  it('puts right what the disk had refused', async () => {
    await using place = await Place.make();
    const disk = new FaultyDisk();
    const recordings = new Recordings(place, { disk });
    await recordings.begin(front);
    disk.before = (operation, at) => (operation === 'write' && at.endsWith('.jsonl') ? 'ENOSPC' : undefined);
    await recordings.record(front, await recorded('tiny'));
    await recordings.journal.flush();
    expect(recordings.journal.isBehind).toBe(true);
    disk.before = () => undefined;
    await passing(recordings.clock, settleJournal(recordings));
    expect(recordings.journal.isBehind).toBe(false);
    expect(recordings.reader.journalSeq).toBe(recordings.reader.changeSeq);
    expect(await recordings.check()).toEqual([]);
    await recordings.crash();
  });
});

describe('catchUp', () => {
  it('notes again what a crash took from the journal', async () => {
    await using place = await Place.make();
    const recordings = new Recordings(place);
    await recordings.begin(front);
    await recordings.record(front, await recorded('tiny'));
    await recordings.crash();
    const lost = await readFile(path(place), 'utf8');
    await writeFile(path(place), '');
    const again = new Recordings(place);
    await catchUp(again);
    // The run as it ended; that it began is said by the same row.
    expect(lost.endsWith(await readFile(path(place), 'utf8'))).toBe(true);
    expect(await again.check()).toEqual([]);
    await again.crash();
  });
});
