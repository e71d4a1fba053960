import { formatUtc } from '@gapless/shared/time';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { recordedPlace } from '../../support/edge/recorded-place.js';
import { front } from '../../support/edge/recordings.js';
import type { Spoken } from './support/operated-place.js';
import { OperatedPlace } from './support/operated-place.js';

interface Told {
  readonly protections: readonly { readonly holder: string; readonly expires?: string }[];
  readonly share: { readonly protectedBytes: number; readonly state: string };
}

describe('gapless-edge protect, unprotect and protections', () => {
  let operated: OperatedPlace;
  let segment: string;
  let window: string[];
  beforeEach(async () => {
    const { place, runs } = await recordedPlace();
    operated = await OperatedPlace.start(place);
    segment = `front/${runs[0]}/000001`;
    const { startMs, endMs } = operated.recordings.reader.segments.get({
      lens: front,
      run: runs[0],
      seq: 1,
    })!;
    window = ['--lens', 'front', '--from', formatUtc(startMs), '--to', formatUtc(endMs)];
  });
  afterEach(() => operated[Symbol.asyncDispose]());

  async function told(...words: readonly string[]): Promise<Told> {
    const { exitCode, stdout, stderr } = await operated.run('--json', ...words);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    return JSON.parse(stdout) as Told;
  }

  it('keeps a segment, as often as it is asked for, and says who does in the list of segments', async () => {
    const protect = ['protect', '--segment', segment, '--holder', 'police', '--reason', 'accident'];
    const first = await told(...protect);
    expect(first.protections).toEqual([
      {
        ...{ lens: 'front', from: window[3], to: window[5], holder: 'police', reason: 'accident' },
        made: formatUtc(operated.recordings.clock.nowMs()),
      },
    ]);
    expect(await told(...protect)).toEqual(first);
    await told('protect', ...window, '--holder', 'insurer', '--reason', 'claim', '--for', '30d');
    const { stdout } = await operated.run('segments', ...window);
    expect(stdout).toMatch(/ insurer, police +front\/\S+\/000001$/m);
  });

  it('takes back what one holder protects and leaves the rest', async () => {
    await told('protect', ...window, '--holder', 'police', '--reason', 'accident');
    await told('protect', ...window, '--holder', 'insurer', '--reason', 'claim', '--expires', '+12h');
    const left = await told('unprotect', '--segment', segment, '--holder', 'police');
    expect(left.protections.map(({ holder, expires }) => [holder, expires])).toEqual([
      ['insurer', formatUtc(operated.recordings.clock.nowMs() + 12 * 3_600_000)],
    ]);
    expect(await told('unprotect', '--segment', segment, '--holder', 'police')).toEqual(left);
    expect(await told('protections', ...window)).toEqual(left);
    // Two more protect a segment of the other lens.
    expect((await told('protections')).protections).toHaveLength(3);
    await told('unprotect', ...window, '--holder', 'insurer');
    expect(await told('protections', '--lens', 'front')).toMatchObject({
      protections: [],
      share: { state: 'ample' },
    });
  });

  it('takes who gave the command for the holder', async () => {
    const { protections } = await told('protect', ...window, '--reason', 'accident');
    expect(protections[0]!.holder).not.toBe('');
  });

  it('shows people a table and the sum, and warns long before there is no more room', async () => {
    const { recordings } = operated;
    await operated.hangUp();
    const list: typeof recordings.protections.list = async (input) => ({
      ...(await recordings.protections.list(input)),
      ...{ maxBytes: 1_000_000, share: 'near' },
    });
    const { protections } = recordings;
    await operated.listen({
      protections: {
        protect: (input) => protections.protect(input),
        unprotect: (input) => protections.unprotect(input),
        list,
      },
    });
    await operated.run('protect', ...window, '--holder', 'police', '--reason', 'accident');
    const { stdout, stderr } = await operated.run('protections');
    expect(stdout).toMatch(/^LENS +FROM +TO +HOLDER +UNTIL +REASON$/m);
    expect(stdout).toMatch(/^front .* police +taken back +accident$/m);
    expect(stdout).toMatch(/^3 protections\. In all 0\.\d MB of at most 1\.0 MB are protected\.$/m);
    expect(stderr).toMatch(/^warning: most of what may be protected is protected/);
  });

  it.each<[string, readonly string[], number, string]>([
    [
      'a segment that is not there',
      ['--segment', 'front/20200101T000000000Z-3fa9c1/000001'],
      4,
      'SEGMENT_GONE',
    ],
    ['a lens that is not there', ['--lens', 'roof', '--from', '-1h'], 4, 'LENS_UNKNOWN'],
    [
      'both',
      ['--lens', 'front', '--segment', 'front/20200101T000000000Z-3fa9c1/000001'],
      2,
      'ARGUMENT_INVALID',
    ],
    ['neither', [], 2, 'ARGUMENT_INVALID'],
    ['no start', ['--lens', 'front'], 2, 'ARGUMENT_INVALID'],
    ['an end that is past', ['--lens', 'front', '--from', '-2d', '--expires', '-1h'], 2, 'ARGUMENT_INVALID'],
    ['a span that is none', ['--lens', 'front', '--from', '-2d', '--for', 'ever'], 2, 'ARGUMENT_INVALID'],
    ['a holder without a name', ['--lens', 'front', '--from', '-2d', '--holder', ''], 2, 'ARGUMENT_INVALID'],
  ])('refuses %s', async (_, words, exitCode, code) => {
    const said: Spoken = await operated.run('--json', 'protect', '--reason', 'accident', ...words);
    expect(said.exitCode).toBe(exitCode);
    expect(JSON.parse(said.stderr)).toMatchObject({ error: { code } });
  });
});
