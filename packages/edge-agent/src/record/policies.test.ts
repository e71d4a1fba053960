import { AppError } from '@gapless/shared/errors';
import type { ErrorCode } from '@gapless/shared/errors';
import { MAX_PPM } from '@gapless/shared/isobmff';
import { describe, expect, it } from 'vitest';
import { readComplaint } from './recorder-complaint.js';
import { correctionPpm, nextClock } from './run-clock-policy.js';
import { absenceAfter, runEndOf } from './run-end-policy.js';
import { beginsSegment } from './segment-policy.js';

describe('beginsSegment', () => {
  const due = { segmentMs: 10_000, fragmentMs: 1_000, startsWithSync: true };

  it('begins one with a sync sample only', () => {
    expect(beginsSegment(due, 10_000)).toBe(true);
    expect(beginsSegment({ ...due, segmentMs: 60_000, startsWithSync: false }, 10_000)).toBe(false);
  });

  it('takes the sync sample that is nearest to the wanted length', () => {
    expect(beginsSegment({ ...due, segmentMs: 9_009, fragmentMs: 1_001 }, 10_000)).toBe(false);
    expect(beginsSegment({ ...due, segmentMs: 10_010, fragmentMs: 1_001 }, 10_000)).toBe(true);
    expect(beginsSegment({ ...due, segmentMs: 9_500 }, 10_000)).toBe(true);
    expect(beginsSegment({ ...due, segmentMs: 9_499 }, 10_000)).toBe(false);
  });
});

describe('runEndOf', () => {
  it.each<[ErrorCode, string]>([
    ['RECORD_CODEC_CHANGED', 'codec-change'],
    ['MP4_RESTARTED', 'codec-change'],
    ['MP4_INVALID', 'invalid-media'],
    ['RECORD_NO_SYNC', 'invalid-media'],
    ['RECORD_TIME_LEAPT', 'invalid-media'],
    ['STORAGE_WRITE_FAILED', 'disk'],
    ['INTERNAL', 'crashed'],
  ])('tells %s as %s', (code, reason) => {
    expect(runEndOf(new AppError(code, 'it failed'))).toBe(reason);
  });
});

describe('absenceAfter', () => {
  it('blames the camera only for what is the camera’s', () => {
    expect(absenceAfter('stopped')).toBe('off');
    for (const reason of ['crashed', 'stalled', 'codec-change', 'invalid-media'] as const)
      expect(absenceAfter(reason)).toBe('no-signal');
    for (const reason of ['disk', 'power-loss'] as const) expect(absenceAfter(reason)).toBe('unexplained');
  });
});

describe('correctionPpm', () => {
  it('leaves alone what is no more than uneven arrival', () => {
    expect(correctionPpm(49, 0)).toBe(0);
    expect(correctionPpm(-49, 0)).toBe(0);
  });

  it('works drift off over ten minutes, in its direction and never faster than a clock may run', () => {
    expect(correctionPpm(60, 0)).toBe(100);
    expect(correctionPpm(-60, 0)).toBe(-100);
    expect(correctionPpm(4_999, 0)).toBe(MAX_PPM);
  });

  it('keeps a correction until the clocks agree, and through small changes', () => {
    expect(correctionPpm(30, 60)).toBe(60);
    expect(correctionPpm(9, 60)).toBe(0);
  });

  it('does not follow a step of the wall clock', () => {
    expect(correctionPpm(5_001, 40)).toBe(40);
    expect(correctionPpm(-86_400_000, 0)).toBe(0);
  });
});

describe('nextClock', () => {
  const clock = { startMs: 1_000, startTicks: 0, timescale: 1_000, ppm: 0 };

  it('goes on with the same clock while it is right', () => {
    expect(nextClock(clock, 60_000, 61_010)).toBe(clock);
  });

  it('begins a corrected one where the old one ends, so that no boundary is rounded twice', () => {
    expect(nextClock(clock, 60_000, 61_120)).toEqual({
      startMs: 61_000,
      startTicks: 60_000,
      timescale: 1_000,
      ppm: 200,
    });
  });
});

describe('readComplaint', () => {
  it.each([
    ['rtsp://u:p@10.0.0.11: 401 Unauthorized', 'the camera refused the user name or password'],
    ['Connection to tcp://10.0.0.11 failed: Connection refused', 'the camera refused the connection'],
    ['', 'ffmpeg ended without a word'],
    ['one\nsomething odd\n', 'ffmpeg: something odd'],
  ])('makes a sentence of %j', (text, detail) => {
    expect(readComplaint(text)).toEqual({ detail, sound: undefined });
  });

  it('lets no secret and no control character through', () => {
    const { detail } = readComplaint('cannot open rtsp://admin:1234@10.0.0.11/main \x1b[31mred\x07');
    expect(detail).toBe('ffmpeg: cannot open rtsp://***@10.0.0.11/main  [31mred');
  });
});
