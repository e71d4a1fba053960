import type { RunId } from '@gapless/shared/ids';
import { SimulatedClock } from '@gapless/shared/time';
import { beforeAll, describe, expect, it } from 'vitest';
import { piecesOf, recorded } from '../../../../fixtures/media/index.js';
import { FaultyDisk } from '../../../../test/support/edge/faulty-disk.js';
import { front, Place, Recordings } from '../../../../test/support/edge/recordings.js';
import { STALL_MS, WatchedRecorder } from '../../../../test/support/edge/watched-recorder.js';
import type { AbsenceRecord, RunRecord } from '../index/index.js';

/** Init segment and three fragments of a second each. */
let tiny: Uint8Array[];

beforeAll(async () => {
  tiny = piecesOf(await recorded('tiny')).map(({ bytes }) => bytes);
});

function runs({ reader }: Recordings): RunRecord[] {
  return reader.runs.ofLens(front, 0, 100).map(({ row }) => row);
}

function absences({ reader }: Recordings): AbsenceRecord[] {
  return reader.absences.newest(front, { startMs: 0, endMs: 4e12 }, 100).reverse();
}

function segmentCount({ reader }: Recordings, run: RunId): number {
  return reader.segments.ofRun(reader.runs.get(front, run)!, 0, 100).length;
}

describe('LensRecorder', () => {
  it('records until it is stopped, and closes the last segment', async () => {
    await using place = await Place.make();
    await using recordings = new Recordings(place);
    const watched = await WatchedRecorder.of(recordings);
    const child = await watched.child(0);
    await watched.play(child, tiny);
    expect(watched.recorder.status).toMatchObject({ lens: front, state: 'recording', open: { seq: 2 } });
    await watched.stop();
    expect(child.stops).toBe(1);
    expect(watched.recorder.status).toMatchObject({ state: 'stopped' });
    const [run] = runs(recordings);
    expect(run).toMatchObject({ endReason: 'stopped' });
    expect(segmentCount(recordings, run!.run)).toBe(3);
    expect(await recordings.check()).toEqual([]);
  });

  it('begins the next run after a child that died, and says what was missing and why', async () => {
    await using place = await Place.make();
    await using recordings = new Recordings(place);
    await using watched = await WatchedRecorder.of(recordings);
    const first = await watched.child(0);
    await watched.play(first, tiny);
    first.end({ exitCode: 1, stderrTail: 'tcp://10.0.0.11: Connection refused\n' });
    const second = await watched.child(1);
    await watched.play(second, tiny);
    const [before, after] = runs(recordings);
    expect([before!.endReason, after!.endReason]).toEqual(['crashed', undefined]);
    expect(absences(recordings)).toEqual([
      {
        lens: front,
        startMs: before!.endMs,
        endMs: after!.startMs,
        reason: 'no-signal',
        detail: 'the camera refused the connection',
      },
    ]);
    await watched.stop();
    expect(await recordings.check()).toEqual([]);
  });

  it('takes a camera as gone that gives nothing any more', async () => {
    await using place = await Place.make();
    await using recordings = new Recordings(place);
    await using watched = await WatchedRecorder.of(recordings);
    const first = await watched.child(0);
    await watched.play(first, tiny);
    await watched.wait(STALL_MS - 1);
    expect(watched.recorder.status.state).toBe('recording');
    await watched.wait(1);
    await watched.child(1);
    expect(runs(recordings)[0]).toMatchObject({ endReason: 'stalled' });
    expect(watched.recorder.status).toMatchObject({ state: 'no-signal', detail: 'no picture for 10 s' });
  });

  it('gives a camera twenty seconds for its first picture', async () => {
    await using place = await Place.make();
    await using recordings = new Recordings(place);
    await using watched = await WatchedRecorder.of(recordings);
    const first = await watched.child(0);
    await watched.wait(19_999);
    expect(watched.camera.children).toHaveLength(1);
    await watched.wait(1);
    await first.ended;
    await watched.child(1);
    expect(watched.recorder.status).toMatchObject({ state: 'no-signal', detail: 'no picture for 20 s' });
    expect(runs(recordings)).toEqual([]);
  });

  it('vouches for no time in which a camera may be about to show something', async () => {
    await using place = await Place.make();
    await using recordings = new Recordings(place);
    await using watched = await WatchedRecorder.of(recordings);
    const { clock } = recordings;
    const triedMs = clock.nowMs();
    const child = await watched.child(0);
    await watched.wait(9_000);
    expect(watched.recorder.status.asOfMs).toBe(triedMs);
    await watched.play(child, tiny);
    expect(watched.recorder.status.asOfMs).toBe(runs(recordings)[0]!.startMs + 3_000);
    child.end({ exitCode: 1, stderrTail: '' });
    await watched.until('no-signal');
    expect(watched.recorder.status.asOfMs).toBe(clock.nowMs());
  });

  it('begins another run when the camera changes its encoding', async () => {
    await using place = await Place.make();
    await using recordings = new Recordings(place);
    await using watched = await WatchedRecorder.of(recordings);
    const first = await watched.child(0);
    await watched.play(first, tiny);
    const larger = piecesOf(await recorded('larger')).map(({ bytes }) => bytes);
    await first.give(larger[0]!);
    const second = await watched.child(1);
    await watched.play(second, larger);
    const [before, after] = runs(recordings);
    expect(before).toMatchObject({ endReason: 'codec-change', width: 32 });
    expect(after).toMatchObject({ width: 192 });
  });

  it('waits longer after each failure, and no longer than half a minute', async () => {
    await using place = await Place.make();
    await using recordings = new Recordings(place);
    await using watched = await WatchedRecorder.of(recordings);
    for (let attempt = 0; attempt < 9; attempt++) {
      (await watched.child(attempt)).end({ exitCode: 1, stderrTail: 'No route to host' });
    }
    await watched.child(9);
    const waits = watched.said.flatMap(({ waitMs }) => (waitMs === undefined ? [] : [waitMs]));
    expect(waits).toEqual([499, 999, 1_999, 3_999, 7_999, 15_999, 29_999, 29_999, 29_999]);
    expect(watched.recorder.status.detail).toBe('no network route to the camera');
  });

  it('takes the next failure as the first after a run that lasted', async () => {
    await using place = await Place.make();
    await using recordings = new Recordings(place);
    await using watched = await WatchedRecorder.of(recordings);
    for (let attempt = 0; attempt < 4; attempt++) (await watched.child(attempt)).end({ exitCode: 1 });
    const child = await watched.child(4);
    await watched.play(
      child,
      piecesOf(await recorded('longGop')).map(({ bytes }) => bytes),
    );
    expect(watched.recorder.status.state).toBe('recording');
    child.end({ exitCode: 1 });
    await watched.child(5);
    const waits = watched.said.flatMap(({ waitMs }) => (waitMs === undefined ? [] : [waitMs]));
    expect(waits).toEqual([499, 999, 1_999, 3_999, 499]);
  });

  it('says that ffmpeg cannot be started', async () => {
    await using place = await Place.make();
    await using recordings = new Recordings(place);
    await using watched = await WatchedRecorder.of(recordings);
    (await watched.child(0)).end({ exitCode: undefined, spawnError: 'ENOENT' });
    await watched.child(1);
    expect(watched.recorder.status.detail).toBe('ffmpeg cannot be started (ENOENT): ffmpeg');
  });

  it('has sound converted that MP4 cannot carry, once ffmpeg has said so', async () => {
    await using place = await Place.make();
    await using recordings = new Recordings(place);
    await using watched = await WatchedRecorder.of(recordings);
    const stderrTail =
      'Could not find tag for codec pcm_mulaw in stream #1, codec not currently supported in container';
    const first = await watched.child(0);
    first.end({ exitCode: 1, stderrTail });
    const second = await watched.child(1);
    expect([first, second].map(({ command }) => command.args[command.args.indexOf('-c:a') + 1])).toEqual([
      'copy',
      'aac',
    ]);
  });

  it('has the headers taken off sound that comes with them, once ffmpeg has said so', async () => {
    await using place = await Place.make();
    await using recordings = new Recordings(place);
    await using watched = await WatchedRecorder.of(recordings);
    const words = [
      "Malformed AAC bitstream detected: use the audio bitstream filter 'aac_adtstoasc' to fix it",
      "Codec 'mp2' (86016) is not supported by the bitstream filter 'aac_adtstoasc'.",
      '',
    ];
    const filtered: boolean[] = [];
    for (const [number, stderrTail] of words.entries()) {
      const child = await watched.child(number);
      filtered.push(child.command.args.includes('aac_adtstoasc'));
      child.end({ exitCode: 1, stderrTail });
    }
    expect(filtered).toEqual([false, true, false]);
  });

  it('ends the run with the disk that failed it, and goes on when that works again', async () => {
    await using place = await Place.make();
    const disk = new FaultyDisk();
    await using recordings = new Recordings(place, { disk });
    await using watched = await WatchedRecorder.of(recordings);
    const first = await watched.child(0);
    await watched.play(first, tiny.slice(0, 3));
    disk.before = (operation, path) =>
      operation === 'write' && path.endsWith('.mp4') ? 'ENOSPC' : undefined;
    await watched.play(first, tiny.slice(3));
    disk.before = () => undefined;
    const second = await watched.child(1);
    await watched.play(second, tiny);
    await watched.stop();
    const [before, after] = runs(recordings);
    expect([before!.endReason, after!.endReason]).toEqual(['disk', 'stopped']);
    expect(absences(recordings)).toMatchObject([{ reason: 'unexplained' }]);
    expect(absences(recordings)[0]!.detail).toContain('ENOSPC');
    expect(await recordings.check()).toEqual([]);
  });

  it('outlives an index that fails, and notes what was missing once that works again', async () => {
    await using place = await Place.make();
    await using recordings = new Recordings(place);
    await using watched = await WatchedRecorder.of(recordings);
    const first = await watched.child(0);
    await watched.play(first, tiny);
    recordings.failIndex(true);
    first.end({ exitCode: 1, stderrTail: '' });
    await watched.child(1);
    // Longer than a camera is given for its first picture, and than it takes for an absence to be noted.
    await watched.wait(31_000);
    await watched.play(await watched.child(2), tiny);
    await watched.until('no-signal');
    expect(watched.said.map(({ msg }) => msg)).toContain('absence could not be noted');
    recordings.failIndex(false);
    await watched.play(await watched.child(3), tiny);
    expect(watched.recorder.status).toMatchObject({ state: 'recording' });
    await watched.stop();
    expect(runs(recordings)).toHaveLength(2);
    const [before, after] = runs(recordings);
    expect(absences(recordings)).toMatchObject([
      { reason: 'no-signal', startMs: before!.endMs, endMs: after!.startMs },
    ]);
    expect(await recordings.check()).toEqual([]);
  });

  it('pauses while there is no room, and says so', async () => {
    await using place = await Place.make();
    await using recordings = new Recordings(place);
    await using watched = await WatchedRecorder.of(recordings);
    const first = await watched.child(0);
    await watched.play(first, tiny);
    watched.gate.close('disk full');
    await first.ended;
    expect(first.stops).toBe(1);
    await watched.until('paused');
    expect(watched.recorder.status).toMatchObject({ state: 'paused', detail: 'disk full' });
    expect(runs(recordings)[0]).toMatchObject({ endReason: 'disk' });
    await watched.wait(60_000);
    expect(watched.camera.children).toHaveLength(1);
    watched.gate.open();
    const second = await watched.child(1);
    await watched.play(second, tiny);
    await watched.stop();
    expect(absences(recordings)[0]).toMatchObject({ reason: 'unexplained', detail: 'disk full' });
    expect(absences(recordings).at(-1)!.endMs).toBe(runs(recordings)[1]!.startMs);
    expect(await recordings.check()).toEqual([]);
  });

  it('lets the row of an absence grow while it lasts', async () => {
    await using place = await Place.make();
    {
      await using before = new Recordings(place);
      await before.begin(front);
      await before.record(front, await recorded('tiny'));
    }
    await using recordings = new Recordings(place);
    await using watched = await WatchedRecorder.of(recordings);
    await watched.child(0);
    const { startMs } = await watched.nextAbsence();
    expect(startMs).toBe(runs(recordings)[0]!.endMs);
    const { endMs } = await watched.nextAbsence();
    expect(recordings.clock.nowMs() - endMs).toBeLessThan(30_000);
    expect(absences(recordings)).toMatchObject([{ reason: 'no-signal', startMs }]);
  });

  it('was off until it was started, and has no signal from then on when the camera is dead', async () => {
    await using place = await Place.make();
    const clock = new SimulatedClock(Date.UTC(2026, 7, 22, 16));
    {
      await using before = new Recordings(place, { clock });
      await before.begin(front);
      await before.record(front, await recorded('tiny'));
    }
    await clock.advance(60_000);
    await using recordings = new Recordings(place, { clock });
    const startedMs = clock.nowMs();
    await using watched = await WatchedRecorder.of(recordings);
    const dead = await watched.child(0);
    dead.end({ exitCode: 1, stderrTail: 'tcp://10.0.0.11: Connection refused\n' });
    await watched.play(await watched.child(1), tiny);
    const [before, after] = runs(recordings);
    expect(absences(recordings)).toEqual([
      { lens: front, startMs: before!.endMs, endMs: startedMs, reason: 'off', detail: undefined },
      {
        ...{ lens: front, startMs: startedMs, endMs: after!.startMs, reason: 'no-signal' },
        detail: 'the camera refused the connection',
      },
    ]);
    await watched.stop();
    expect(await recordings.check()).toEqual([]);
  });
});
