import type { TrackSummary } from '@gapless/shared/isobmff';
import { describe, expect, it } from 'vitest';
import { MAX_WITHOUT_SYNC_MS, MediaTime } from './media-time-policy.js';

const TIMESCALE = 90_000;
const SECOND = TIMESCALE;

function picture(startTicks: number, more: { sync?: boolean; durationTicks?: number } = {}): TrackSummary {
  const { sync = true, durationTicks = SECOND } = more;
  return {
    trackId: 1,
    startTicks,
    durationTicks,
    sampleCount: 1,
    firstSample: { sync, offset: 0, sizeBytes: 1 },
  };
}

describe('MediaTime', () => {
  it('begins with the first sync sample, wherever its clock stands', () => {
    const time = new MediaTime(TIMESCALE);
    expect(time.take(1, undefined)).toBeUndefined();
    expect(time.take(2, picture(7 * SECOND, { sync: false }))).toBeUndefined();
    expect(time.take(3, picture(8 * SECOND))).toEqual({ startTicks: 8 * SECOND, durationTicks: SECOND });
    expect(time.mediaMs(8 * SECOND)).toBe(0);
    expect(time.mediaMs(9 * SECOND)).toBe(1_000);
  });

  it('gives sound alone a place at the end of the picture, and no time', () => {
    const time = new MediaTime(TIMESCALE);
    time.take(1, picture(0));
    expect(time.take(2, undefined)).toEqual({ startTicks: SECOND, durationTicks: 0 });
    expect(time.take(3, picture(SECOND))).toEqual({ startTicks: SECOND, durationTicks: SECOND });
  });

  it('follows a pause of the camera', () => {
    const time = new MediaTime(TIMESCALE);
    time.take(1, picture(0));
    expect(time.take(2, picture(200 * SECOND))).toMatchObject({ startTicks: 200 * SECOND });
  });

  it('refuses to go back', () => {
    const time = new MediaTime(TIMESCALE);
    time.take(1, picture(0));
    expect(() => time.take(2, picture(SECOND - 1))).toThrow('goes back');
  });

  it.each([
    ['a leap', picture(302 * SECOND)],
    ['a fragment that lasts for longer than a segment may', picture(SECOND, { durationTicks: 301 * SECOND })],
  ])('refuses %s', (_, leap) => {
    const time = new MediaTime(TIMESCALE);
    time.take(1, picture(0));
    expect(() => time.take(2, leap)).toThrow('leaps ahead');
  });

  it('gives up on a camera that never sends a sync sample', () => {
    const time = new MediaTime(TIMESCALE);
    const send = (second: number): unknown => time.take(second, picture(second * SECOND, { sync: false }));
    const patience = MAX_WITHOUT_SYNC_MS / 1_000;
    for (let second = 0; second < patience; second++) expect(send(second)).toBeUndefined();
    expect(() => send(patience)).toThrow('no keyframe');
  });
});
