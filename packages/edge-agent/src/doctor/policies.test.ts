import { describe, expect, it, test } from 'vitest';
import type { Abilities } from './ability-policy.js';
import { judgeAbilities } from './ability-policy.js';
import { hasOneReader, judgePicture, judgeSilence } from './camera-policy.js';
import { judgeClock } from './clock-policy.js';
import { judgeSpace, judgeSpeed } from './disk-policy.js';
import type { Picture } from './picture-watch.js';

const GB = 1e9;

describe('judgeAbilities', () => {
  const all: Abilities = {
    version: '5.1.9-0+deb12u1',
    protocols: new Set(['file', 'tls', 'srt', 'tcp']),
    demuxers: new Set(['rtsp', 'lavfi', 'v4l2']),
    muxers: new Set(['mp4']),
    decoders: new Set(['h264', 'hevc']),
    encoders: new Set(['aac', 'mjpeg', 'libx264']),
  };
  const without = (kind: keyof Omit<Abilities, 'version'>, name: string): Abilities => ({
    ...all,
    [kind]: new Set([...all[kind]].filter((one) => one !== name)),
  });
  const lens = (url: string, hasHiddenOptions = false) => ({ lens: 'front', url, hasHiddenOptions });

  test.each([
    'rtsp://h/1',
    'rtsps://h/1',
    'srt://h:1',
    'v4l2:/dev/video0',
    'test:',
    '/srv/a.mp4',
    'tcp://h:1',
  ])('is content with one that has what %s needs', (url) => {
    expect(judgeAbilities(all, [lens(url)])).toMatchObject([{ verdict: 'ok' }]);
  });

  test.each([
    ['rtsp://h/1', 'demuxers', 'rtsp'],
    ['rtsps://h/1', 'protocols', 'tls'],
    ['SRT://h:1', 'protocols', 'srt'],
    ['v4l2:/dev/video0', 'demuxers', 'v4l2'],
    ['test:', 'encoders', 'libx264'],
  ] as const)('says that %s cannot be read without the %s %s', (url, kind, name) => {
    expect(judgeAbilities(without(kind, name), [lens(url)])).toMatchObject([
      {
        verdict: 'failed',
        detail: `ffmpeg has no ${kind.slice(0, -1)} "${name}", which the lens front needs`,
      },
    ]);
  });

  it('fails without MP4, warns without AAC and without decoders', () => {
    const verdict = (can: Abilities): string[] => judgeAbilities(can, []).map((one) => one.verdict);
    expect(verdict(without('muxers', 'mp4'))).toEqual(['failed']);
    expect(verdict(without('encoders', 'aac'))).toEqual(['warning']);
    expect(judgeAbilities(without('decoders', 'hevc'), [])[0]?.detail).toBe(
      'ffmpeg cannot make snapshots of hevc',
    );
    expect(judgeAbilities(without('encoders', 'mjpeg'), [])[0]?.detail).toContain('any video');
  });

  it('refuses options beside a password in an ffmpeg that cannot hide them', () => {
    const verdictOf = (version: string) =>
      judgeAbilities({ ...all, version }, [lens('rtsp://h/1', true)])[0]?.verdict;
    expect(verdictOf('4.4.2')).toBe('failed');
    expect(verdictOf('n5.0')).toBe('ok');
    expect(verdictOf('git-2024-01-01-abcdef')).toBe('ok');
  });
});

describe('judgeSpace', () => {
  const space = { totalBytes: 250 * GB, freeBytes: 100 * GB, heldBytes: 50 * GB };

  it('counts what the recordings take already as room for recordings', () => {
    expect(judgeSpace(space, { maxBytes: undefined, minFreeBytes: 10 * GB })).toEqual({
      verdict: 'ok',
      detail: '100.0 GB of 250.0 GB free, 50.0 GB recorded; recordings may take 140.0 GB',
    });
    expect(judgeSpace(space, { maxBytes: 120 * GB, minFreeBytes: 10 * GB }).detail).toMatch(/120\.0 GB$/);
  });

  it('warns of a limit that the disk does not let them reach', () => {
    const found = judgeSpace(space, { maxBytes: 141 * GB, minFreeBytes: 10 * GB });
    expect(found.verdict).toBe('warning');
    expect(found.detail).toMatch(/oldest footage goes at 140\.0 GB$/);
  });

  it('fails when nothing can be recorded', () => {
    expect(judgeSpace(space, { maxBytes: undefined, minFreeBytes: 150 * GB }).verdict).toBe('failed');
  });
});

describe('judgeSpeed', () => {
  const fast = { writeBytesPerSec: 50e6, syncMs: 4, worstSyncMs: 30 };

  test.each([
    [fast, 4, 'ok'],
    [{ ...fast, writeBytesPerSec: 11e6 }, 4, 'warning'],
    [{ ...fast, writeBytesPerSec: 3.9e6 }, 4, 'failed'],
    [{ ...fast, syncMs: 251 }, 1, 'warning'],
    [{ ...fast, worstSyncMs: 2_001 }, 1, 'warning'],
  ] as const)('%o beside %i lenses: %s', (speed, lenses, verdict) => {
    expect(judgeSpeed(speed, lenses).verdict).toBe(verdict);
  });
});

describe('judgeClock', () => {
  const nowMs = Date.UTC(2026, 10, 21, 12);
  const central = (aheadMs: number, errorMs = 100) => ({ aheadMs, errorMs });

  test.each([
    ['kept and agreed', { nowMs, isSynchronised: true, central: central(0) }, 'ok'],
    ['kept, and central not heard', { nowMs, isSynchronised: true, central: undefined }, 'ok'],
    ['agreed alone', { nowMs, isSynchronised: undefined, central: central(-90) }, 'ok'],
    ['not kept', { nowMs, isSynchronised: false, central: central(0) }, 'warning'],
    ['nobody to ask', { nowMs, isSynchronised: undefined, central: undefined }, 'warning'],
    ['within what the way took', { nowMs, isSynchronised: true, central: central(4_900, 3_000) }, 'ok'],
    ['seconds off', { nowMs, isSynchronised: true, central: central(-3_000) }, 'warning'],
    ['minutes off', { nowMs, isSynchronised: true, central: central(600_000) }, 'failed'],
    ['1970', { nowMs: 60_000, isSynchronised: true, central: undefined }, 'failed'],
    ['2150', { nowMs: Date.UTC(2150, 0), isSynchronised: true, central: undefined }, 'failed'],
  ] as const)('%s: %o is %s', (_, facts, verdict) => {
    expect(judgeClock(facts).verdict).toBe(verdict);
  });

  it('says in which direction it is off', () => {
    expect(judgeClock({ nowMs, isSynchronised: true, central: central(5_100) }).detail).toContain(
      'at least 5.0 s behind central’s',
    );
    expect(judgeClock({ nowMs, isSynchronised: true, central: central(-5_100) }).detail).toContain(
      'ahead of',
    );
  });
});

describe('judgePicture', () => {
  const picture: Picture = {
    video: { codec: 'avc1.64001f', width: 1920, height: 1080 },
    sound: { codec: 'mp4a.40.2', channels: 1, sampleRate: 48_000 },
    watchedMs: 6_000,
    framesPerSecond: 25,
    keyframeMs: 2_000,
  };

  it('says what comes and what is made of the sound', () => {
    expect(judgePicture(picture, 'carried', 10_000)).toEqual({
      verdict: 'ok',
      detail: 'H.264 1920x1080, 25 frames/s, a keyframe every 2.0 s, sound is carried over as AAC 48 kHz',
    });
    expect(judgePicture(picture, 'converted', 10_000).detail).toMatch(/sound is converted to AAC 48 kHz$/);
    expect(judgePicture(picture, 'left-out', 10_000).detail).toMatch(/sound is left out$/);
    expect(judgePicture({ ...picture, sound: undefined }, 'carried', 10_000).detail).toMatch(/no sound$/);
  });

  test.each([
    ['no picture at all', { video: undefined }, 'failed'],
    ['Motion JPEG', { video: { codec: 'mp4v.6c', width: 640, height: 480 } }, 'warning'],
    ['H.265', { video: { codec: 'hev1.1.6.L93.b0', width: 640, height: 480 } }, 'ok'],
    ['keyframes further apart than a segment', { keyframeMs: 10_040 }, 'warning'],
    ['no second keyframe in time', { keyframeMs: undefined, watchedMs: 12_000 }, 'warning'],
    ['a short film with one keyframe', { keyframeMs: undefined, watchedMs: 4_000 }, 'ok'],
  ] as const)('%s is a matter of %o: %s', (_, change, verdict) => {
    expect(judgePicture({ ...picture, ...change }, 'carried', 10_000).verdict).toBe(verdict);
  });
});

test('what a camera said leads to what can be done', () => {
  expect(judgeSilence('the camera refused the user name or password').remedy).toContain('user:password@');
  expect(judgeSilence('another program is using the device').remedy).toContain('fuser');
  expect(judgeSilence('something new')).toMatchObject({
    verdict: 'failed',
    remedy: expect.any(String) as string,
  });
});

test.each([
  ['v4l2:/dev/video0', true],
  ['udp://239.0.0.1:5000', true],
  ['tcp://0.0.0.0:5000?listen=1', true],
  ['srt://0.0.0.0:9000?mode=listener', true],
  ['srt://10.0.0.11:9000?mode=caller', false],
  ['rtsp://10.0.0.11/main', false],
])('%s has one reader at most: %s', (url, only) => {
  expect(hasOneReader(url)).toBe(only);
});
