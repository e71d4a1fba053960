import { formatUtc } from '@gapless/shared/time';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getSegments, MAX_PAGE } from '../../../packages/edge-agent/src/query/index.js';
import type { RecordedPlace } from '../../support/edge/recorded-place.js';
import { recordedPlace } from '../../support/edge/recorded-place.js';
import { front } from '../../support/edge/recordings.js';
import { OperatedPlace } from './support/operated-place.js';

describe('gapless-edge segments', () => {
  let left: RecordedPlace;
  let operated: OperatedPlace;
  let window: string[];
  beforeAll(async () => {
    left = await recordedPlace();
    operated = await OperatedPlace.start(left.place);
    await operated.recordings.clock.advance(60_000);
    const { startMs } = operated.recordings.reader.runs.get(front, left.runs[0])!;
    window = ['--lens', 'front', '--from', formatUtc(startMs), '--to', formatUtc(left.stoppedMs)];
  });
  afterAll(() => operated[Symbol.asyncDispose]());

  it('gives programs what the operation answers, whatever the pages', async () => {
    const { reader, clock } = operated.recordings;
    const range = { startMs: Date.parse(window[3]!), endMs: left.stoppedMs };
    const port = { reader, lensNow: () => undefined, nowMs: () => clock.nowMs() };
    const { segments, coverage, gaps } = getSegments(port, { lens: front, range, limit: MAX_PAGE });
    const { exitCode, stdout } = await operated.run('--json', 'segments', ...window);
    expect(exitCode).toBe(0);
    const shown = (stretch: { startMs: number; endMs: number }) => ({
      from: formatUtc(stretch.startMs),
      to: formatUtc(stretch.endMs),
    });
    expect(JSON.parse(stdout)).toEqual({
      lens: 'front',
      segments: segments.map(({ startMs, endMs, sizeBytes, ...rest }) => ({
        ...shown({ startMs, endMs }),
        bytes: sizeBytes,
        ...rest,
      })),
      coverage: [...coverage].map(shown),
      gaps: gaps.map(({ reason, ...gap }) => ({ ...shown(gap), reason })),
    });
  });

  it('shows people a table of what is there, one of what is not, and the sum', async () => {
    const { exitCode, stdout } = await operated.run('segments', ...window);
    expect(exitCode).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^FROM +TO +LENGTH +MB +AT CENTRAL +PROTECTED BY +SEGMENT$/);
    expect(lines[1]).toMatch(/ yes +front\/\S+\/000001$/);
    expect(lines[2]).toMatch(/ no +front\/\S+\/000002$/);
    expect(stdout).toMatch(/^FROM +TO +LENGTH +NOT HERE BECAUSE$/m);
    expect(stdout).toMatch(/ evicted$/m);
    expect(stdout).toMatch(/ no-signal$/m);
    expect(lines.at(-1)).toMatch(/^5 segments with \d+\.\d s of footage\.$/);
  });

  it('ends with 4 for a lens that is not there', async () => {
    const { exitCode, stderr } = await operated.run('segments', '--lens', 'roof');
    expect(exitCode).toBe(4);
    expect(stderr).toBe('error: there is no lens roof on this vehicle\n');
  });
});
