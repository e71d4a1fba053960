import { formatUtc } from '@gapless/shared/time';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RecordedPlace } from '../../support/edge/recorded-place.js';
import { recordedPlace } from '../../support/edge/recorded-place.js';
import { front } from '../../support/edge/recordings.js';
import { OperatedPlace } from './support/operated-place.js';

describe('gapless-edge remove', () => {
  let left: RecordedPlace;
  let operated: OperatedPlace;
  let window: string[];
  beforeEach(async () => {
    left = await recordedPlace();
    operated = await OperatedPlace.start(left.place);
    const { startMs, endMs } = operated.recordings.reader.segments.get(segment(2))!;
    window = ['--lens', 'front', '--from', formatUtc(startMs), '--to', formatUtc(endMs)];
  });
  afterEach(() => operated[Symbol.asyncDispose]());

  const segment = (seq: number) => ({ lens: front, run: left.runs[0], seq });
  const isHeld = (seq: number): boolean =>
    operated.recordings.reader.segments.get(segment(seq)) !== undefined;
  const protect = () =>
    operated.recordings.protections.protect({
      selection: { segment: segment(2) },
      ...{ holder: 'police', reason: 'accident' },
    });

  it('removes what it is told to and says what that was', async () => {
    const { sizeBytes } = operated.recordings.reader.segments.get(segment(2))!;
    const { exitCode, stdout } = await operated.run('--json', 'remove', ...window, '--yes');
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      ...{ segments: 1, bytes: sizeBytes, unreceipted: 1 },
      ranges: [{ from: window[3], to: window[5] }],
    });
    expect([1, 2].map(isHeld)).toEqual([true, false]);
    const { stdout: listed } = await operated.run('segments', ...window);
    expect(listed).toMatch(/ removed$/m);
    const again = await operated.run('remove', ...window, '--yes');
    expect([again.exitCode, again.stdout]).toEqual([0, 'Removed nothing: no segment lies there.\n']);
  });

  it('asks a person first, and takes anything but yes for no', async () => {
    operated.isTty = true;
    operated.typed = 'perhaps\n';
    const declined = await operated.run('remove', ...window);
    expect(declined.exitCode).toBe(1);
    expect(declined.stderr).toMatch(
      /^This removes 1 segment with 0\.\d MB, \S+ to \S+; central does not have 1 of them\. Go on\? \[y\/N\] /,
    );
    expect(declined.stderr).toContain('nothing was removed');
    operated.typed = '';
    expect((await operated.run('remove', ...window)).exitCode).toBe(1);
    expect(isHeld(2)).toBe(true);
    operated.typed = 'y\n';
    expect((await operated.run('remove', ...window)).exitCode).toBe(0);
    expect(isHeld(2)).toBe(false);
  });

  it('does nothing unasked where nobody can be asked', async () => {
    const { exitCode, stderr } = await operated.run('remove', ...window);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('Pass --yes');
    expect(isHeld(2)).toBe(true);
  });

  it('ends with 3 for what is protected, and removes it when it is forced to', async () => {
    await protect();
    const refused = await operated.run('remove', ...window, '--yes');
    expect(refused.exitCode).toBe(3);
    expect(refused.stderr).toBe(
      'error: 1 of 1 segments are protected by police\nhint: Let the holders take their protections back, or use --force.\n',
    );
    expect(isHeld(2)).toBe(true);
    expect((await operated.run('remove', ...window, '--yes', '--force')).exitCode).toBe(0);
    expect(isHeld(2)).toBe(false);
  });

  it('refuses what is being read', async () => {
    using _held = operated.use.hold([segment(2)]);
    const { exitCode, stderr } = await operated.run('remove', ...window, '--yes');
    expect(exitCode).toBe(1);
    expect(stderr).toContain('is being sent');
  });

  it.each<[string, readonly string[], number]>([
    ['a segment that is not there', ['--segment', 'front/20200101T000000000Z-3fa9c1/000001'], 4],
    ['a lens that is not there', ['--lens', 'roof', '--from', '-1h', '--to', 'now'], 4],
    ['a range without an end', ['--lens', 'front', '--from', '-1h'], 2],
    ['nothing named', [], 2],
  ])('refuses %s', async (_, words, exitCode) => {
    expect((await operated.run('remove', '--yes', ...words)).exitCode).toBe(exitCode);
  });
});
