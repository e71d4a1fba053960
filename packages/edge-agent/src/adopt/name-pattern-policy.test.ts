import { describe, expect, it, test } from 'vitest';
import { NamePattern } from './name-pattern-policy.js';

const berlin = (pattern: string): NamePattern => new NamePattern(pattern, 'Europe/Berlin');
const utc = (...at: [number, number, number, number, number, number?, number?]): number => Date.UTC(...at);

describe('NamePattern', () => {
  test.each([
    {
      note: "MediaMTX's own, in the zone's summer",
      pattern: '%Y-%m-%d_%H-%M-%S-%f',
      path: '2025-09-06_14-53-16-244024.mp4',
      starts: [utc(2025, 8, 6, 12, 53, 16, 244)],
      exactToMs: 1,
    },
    {
      note: 'with the way to the file',
      pattern: '%path/%Y-%m-%d/%H-%M-%S',
      path: 'cameras/saloon/2025-01-06/14-53-16.mp4',
      starts: [utc(2025, 0, 6, 13, 53, 16)],
      exactToMs: 1000,
    },
    {
      note: 'an offset, which counts before the zone',
      pattern: '%Y%m%dT%H%M%S%z',
      path: '20250906T145316-0330.ts',
      starts: [utc(2025, 8, 6, 18, 23, 16)],
      exactToMs: 1000,
    },
    {
      note: 'seconds since 1970',
      pattern: 'rec_%s',
      path: 'DCIM/100MEDIA/rec_1757150596.MP4',
      starts: [1_757_150_596_000],
      exactToMs: 1000,
    },
    {
      note: 'an hour that clocks show twice',
      pattern: '%Y-%m-%d_%H-%M-%S',
      path: '2025-10-26_02-30-00.mp4',
      starts: [utc(2025, 9, 26, 0, 30), utc(2025, 9, 26, 1, 30)],
      exactToMs: 1000,
    },
    {
      note: 'an hour that clocks skip',
      pattern: '%Y-%m-%d_%H-%M-%S',
      path: '2025-03-30_02-30-00.mp4',
      starts: [utc(2025, 2, 30, 1, 0)],
      exactToMs: 1000,
    },
    {
      note: 'a counter, which says nothing',
      pattern: 'video*',
      path: 'video00017.mp4',
      starts: [],
      exactToMs: 0,
    },
    {
      note: 'a date that is none',
      pattern: '%Y-%m-%d_%H-%M',
      path: '2025-13-45_10-00.mp4',
      starts: [],
      exactToMs: 0,
    },
  ])('reads $note', ({ pattern, path, starts, exactToMs }) => {
    expect(berlin(pattern).match(path)).toEqual({ startsMs: starts, exactToMs });
  });

  it('tells the files of a lens from those of others in the same directory', () => {
    const pattern = berlin('cam1_%Y-%m-%d_%H-%M-%S-%f');
    expect(pattern.match('cam2_2025-09-06_14-53-16-244024.mp4')).toBeUndefined();
    expect(pattern.match('cam1_2025-09-06_14-53-16-244024.mp4.part')).toBeUndefined();
  });

  it('takes a folder and a name that say the same part of a time', () => {
    expect(
      berlin('%Y-%m-%d/%Y-%m-%d_%H-%M-%S').match('2025-01-06/2025-01-06_10-00-00.mp4')?.startsMs,
    ).toEqual([utc(2025, 0, 6, 9, 0)]);
  });

  it('says which token it does not know', () => {
    expect(() => berlin('%Y-%q')).toThrow('no token %q');
  });
});
