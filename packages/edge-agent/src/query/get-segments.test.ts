import type { LensName } from '@gapless/shared/ids';
import { parseLensName, parseSegmentId } from '@gapless/shared/ids';
import { overlaps, RangeSet } from '@gapless/shared/interval';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recorded } from '../../../../fixtures/media/index.js';
import type { RecordedPlace } from '../../../../test/support/edge/recorded-place.js';
import { recordedPlace } from '../../../../test/support/edge/recorded-place.js';
import { front, Recordings, rear } from '../../../../test/support/edge/recordings.js';
import type { LensNow, SegmentsAnswer, SegmentsPort, SegmentsQuestion } from './get-segments.js';
import { getSegments, MAX_PAGE } from './get-segments.js';

describe(getSegments, () => {
  let left: RecordedPlace;
  let recordings: Recordings;
  let extent: { startMs: number; endMs: number };
  beforeAll(async () => {
    left = await recordedPlace();
    recordings = new Recordings(left.place);
    const [first, last] = left.runs.map((run) => recordings.reader.runs.get(front, run)!);
    extent = { startMs: first!.startMs, endMs: last!.endMs! };
  });
  afterAll(async () => {
    await recordings[Symbol.asyncDispose]();
    await left.place[Symbol.asyncDispose]();
  });

  const ask = (question: Partial<SegmentsQuestion> = {}, port: Partial<SegmentsPort> = {}): SegmentsAnswer =>
    getSegments(
      { reader: recordings.reader, lensNow: () => undefined, nowMs: () => left.stoppedMs, ...port },
      { lens: front, range: extent, limit: MAX_PAGE, ...question },
    );

  it('lists what is held, oldest first, as the index has it', () => {
    const { segments, next, answered } = ask();
    const [a, b] = left.runs;
    expect(segments.map(({ id }) => id)).toEqual([
      `${front}/${a}/000001`,
      `${front}/${a}/000002`,
      `${front}/${b}/000000`,
      `${front}/${b}/000001`,
      `${front}/${b}/000002`,
    ]);
    for (const segment of segments) {
      const { startMs, endMs, sizeBytes, sha256, receipted } = recordings.reader.segments.get(
        parseSegmentId(segment.id),
      )!;
      expect(segment).toMatchObject({ startMs, endMs, sizeBytes, sha256, receipted, state: 'closed' });
    }
    expect(segments.map((segment) => segment.state === 'closed' && segment.receipted)).toEqual([
      true,
      false,
      false,
      false,
      false,
    ]);
    expect(segments[0]!.codecs).toEqual(recordings.reader.runs.get(front, a)!.codecs);
    expect(next).toBeUndefined();
    expect(answered).toEqual(extent);
  });

  it('tells coverage and gaps apart without a rest, each gap with its reason', () => {
    const { coverage, gaps } = ask({
      range: { startMs: extent.startMs - 7, endMs: left.stoppedMs + 60_000 },
    });
    const evicted = recordings.reader.tombstones.newest(front, extent, 1)[0]!;
    const [a, b] = left.runs.map((run) => recordings.reader.runs.get(front, run)!);
    expect([...coverage]).toEqual([
      { startMs: evicted.endMs, endMs: a!.endMs },
      { startMs: b!.startMs, endMs: b!.endMs },
    ]);
    expect(gaps).toEqual([
      { startMs: extent.startMs - 7, endMs: extent.startMs, reason: 'unexplained' },
      { startMs: evicted.startMs, endMs: evicted.endMs, reason: 'evicted' },
      { startMs: a!.endMs, endMs: b!.startMs, reason: 'no-signal' },
      { startMs: b!.endMs, endMs: left.stoppedMs, reason: 'unexplained' },
      { startMs: left.stoppedMs, endMs: left.stoppedMs + 60_000, reason: 'not-yet' },
    ]);
  });

  it.each([1, 2, 3, 4, 5])('says the same in pages of %i as at once', (limit) => {
    const whole = ask();
    const pages: SegmentsAnswer[] = [];
    for (let cursor: string | undefined, more = true; more;) {
      const page = ask({ limit, cursor });
      pages.push(page);
      cursor = page.next;
      more = cursor !== undefined;
    }
    expect(pages.flatMap(({ segments }) => segments)).toEqual(whole.segments);
    expect(pages.every(({ segments }) => segments.length <= limit)).toBe(true);
    expect(RangeSet.from(pages.flatMap(({ coverage }) => [...coverage])).equals(whole.coverage)).toBe(true);
    expect(RangeSet.from(pages.flatMap(({ gaps }) => gaps)).totalMs).toBe(RangeSet.from(whole.gaps).totalMs);
    const answered = pages.flatMap((page) => page.answered ?? []);
    expect(answered[0]!.startMs).toBe(extent.startMs);
    expect(answered.at(-1)!.endMs).toBe(extent.endMs);
    for (const [i, { startMs }] of answered.slice(1).entries()) expect(startMs).toBe(answered[i]!.endMs);
  });

  it('lists only what overlaps the range, to the millisecond', () => {
    const [first, second] = ask().segments;
    expect(ask({ range: { startMs: first!.endMs - 1, endMs: first!.endMs } }).segments).toEqual([first]);
    expect(ask({ range: { startMs: first!.endMs, endMs: first!.endMs + 1 } }).segments).toEqual([second]);
  });

  it('shows the segment that is being written, on the last page', async () => {
    const recording = await recordings.feed(rear, await recorded('tiny'));
    const now: LensNow = {
      asOfMs: recording.endMs!,
      open: recording.open!,
      openBytes: recording.openBytes,
    };
    const range = { startMs: recording.startMs!, endMs: recording.endMs! + 5_000 };
    const lensNow = (lens: LensName) => (lens === rear ? now : undefined);
    const { segments, coverage, gaps } = ask({ lens: rear, range }, { lensNow });
    expect(segments.at(-1)).toEqual({
      id: expect.stringContaining(`${rear}/${recording.run}/`) as string,
      startMs: now.open!.startMs,
      endMs: now.open!.endMs,
      sizeBytes: recording.openBytes,
      codecs: recordings.reader.runs.get(rear, recording.run!)!.codecs,
      protectedBy: [],
      state: 'open',
    });
    expect([...coverage]).toEqual([{ startMs: range.startMs, endMs: recording.endMs }]);
    expect(gaps).toEqual([{ startMs: recording.endMs, endMs: range.endMs, reason: 'not-yet' }]);
    const firstPage = ask({ lens: rear, range, limit: 1 }, { lensNow });
    expect(firstPage.segments.map(({ state }) => state)).toEqual(['closed']);
    await recording.finish('stopped');
    const closed = ask({ lens: rear, range }, { lensNow }).segments;
    expect(closed.map(({ id }) => id)).toEqual(segments.map(({ id }) => id));
    expect(closed.at(-1)!.state).toBe('closed');
  });

  it('takes a stretch without a picture for none of the coverage', () => {
    const { startMs, endMs } = ask().segments[0]!;
    const hole = { startMs: startMs + 100, endMs: startMs + 300 };
    recordings.database
      .prepare('UPDATE segment SET holes = ? WHERE start_ms = ? AND lens_id = 1')
      .run(JSON.stringify([hole]), startMs);
    const { coverage, gaps } = ask({ range: { startMs, endMs } });
    expect([...coverage]).toEqual([
      { startMs, endMs: hole.startMs },
      { startMs: hole.endMs, endMs },
    ]);
    expect(gaps).toEqual([{ ...hole, reason: 'no-signal' }]);
  });

  it('says of each segment who protects it', () => {
    const [pin] = recordings.reader.protections.ofLens(rear);
    const { segments } = ask({ lens: rear, range: { startMs: pin!.startMs - 1, endMs: left.stoppedMs } });
    expect(segments.length).toBeGreaterThan(2);
    for (const { startMs, endMs, protectedBy } of segments)
      expect(protectedBy).toEqual(overlaps({ startMs, endMs }, pin!) ? ['insurer', 'police'] : []);
  });

  it('refuses a lens that never was, and a cursor that is none', () => {
    expect(() => ask({ lens: parseLensName('roof') })).toThrow(
      expect.objectContaining({ code: 'LENS_UNKNOWN', kind: 'not-found' }),
    );
    expect(() => ask({ cursor: 'next please' })).toThrow(
      expect.objectContaining({ code: 'ARGUMENT_INVALID' }),
    );
  });
});
