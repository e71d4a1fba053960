import { describe, expect, it } from 'vitest';
import { packetsOf, piecesOf, recipes, recorded, recordingPath } from '../../../../fixtures/media/index.js';
import type { RecipeName } from '../../../../fixtures/media/index.js';
import { ascii, box, boxBytes, u32, u64, versionAndFlags } from './box-writer.js';
import type { NewBox } from './box-writer.js';
import { fragmentSummary } from './fragment-summary.js';
import type { InitSegment } from './init-segment.js';
import { parseInitSegment } from './init-segment.js';
import { parseFragment } from './movie-fragment.js';
import type { SampleTable } from './sample-table.js';
import { samplesOf } from './sample-table.js';

describe(samplesOf, () => {
  it.each(Object.keys(recipes) as RecipeName[])(
    'finds in %s the packets that ffprobe finds',
    async (name) => {
      const [first, ...fragments] = piecesOf(await recorded(name));
      const init = parseInitSegment(first!.bytes);
      for (const track of init.tracks) {
        const kind = track.kind === 'video' ? 'v' : 'a';
        const mediaTime = track.edits[0]!.mediaTime;
        const ours = fragments.flatMap(({ bytes }) => {
          const part = parseFragment(bytes, init).tracks.find((one) => one.track === track);
          return part ? rows(samplesOf(part)) : [];
        });
        const theirs = await packetsOf(await recordingPath(name), kind);
        expect(ours).toHaveLength(theirs.length);
        ours.forEach((sample, i) => {
          const packet = theirs[i]!;
          expect(sample.sizeBytes).toBe(packet.sizeBytes);
          expect(sample.sync).toBe(packet.key);
          expect((sample.decodeTicks - mediaTime) / track.timescale).toBeCloseTo(packet.dts, 5);
          const composed = sample.decodeTicks + sample.compositionTicks;
          expect((composed - mediaTime) / track.timescale).toBeCloseTo(packet.pts, 5);
        });
      }
    },
  );
});

describe(fragmentSummary, () => {
  it('sums up a fragment without listing its samples', async () => {
    const [first, fragment] = piecesOf(await recorded('h264'));
    const summary = fragmentSummary(fragment!.bytes, parseInitSegment(first!.bytes));
    expect(summary.number).toBe(1);
    expect(summary.primary).toMatchObject({ startTicks: 0, durationTicks: 15_360, sampleCount: 30 });
    expect(summary.primary!.firstSample.sync).toBe(true);
    expect(summary.tracks.map(({ trackId }) => trackId)).toEqual([1, 2]);
  });

  it('has no primary track where only sound is left at the end of a stream', async () => {
    const pieces = piecesOf(await recorded('h264'));
    const summary = fragmentSummary(pieces.at(-1)!.bytes, parseInitSegment(pieces[0]!.bytes));
    expect(summary.primary).toBeUndefined();
    expect(summary.tracks).toHaveLength(1);
  });
});

describe(parseFragment, () => {
  const ROWS = 0x701; // data offset; duration, size and flags of every sample
  const NO_SYNC = 0x10000;
  const track = { id: 1, kind: 'video', defaults: { durationTicks: 10, sizeBytes: 4, flags: NO_SYNC } };
  const init = { movieTimescale: 1000, tracks: [track] } as unknown as InitSegment;

  const tfdt = box('tfdt', versionAndFlags(0, 0), u32(500));
  const tfhd = box('tfhd', versionAndFlags(0, 0x20000), u32(1));
  const trun = (flags: number, count: number, ...rest: Uint8Array[]): NewBox =>
    box('trun', versionAndFlags(0, flags), u32(count), ...rest);

  /** A fragment with a `mdat` of so many bytes; `content` is given where they begin, from the start of the `moof`. */
  const fragment = (mediaBytes: number, content: (start: number) => NewBox[]): Uint8Array => {
    const moof = (start: number): Uint8Array =>
      boxBytes(box('moof', box('mfhd', versionAndFlags(0, 0), u32(7)), box('traf', ...content(start))));
    return Buffer.concat([moof(moof(0).length + 8), boxBytes(box('mdat', new Uint8Array(mediaBytes)))]);
  };
  /** The samples of a fragment with one track, with offsets from the start of the `mdat`'s content. */
  const only = (mediaBytes: number, content: (start: number) => NewBox[]) => {
    const bytes = fragment(mediaBytes, content);
    const table = samplesOf(parseFragment(bytes, init).tracks[0]!);
    return rows(table).map((row) => ({ ...row, offset: row.offset - (bytes.length - mediaBytes) }));
  };

  it('takes from trex what neither tfhd nor trun says', () => {
    expect(only(8, (start) => [tfhd, tfdt, trun(0x1, 2, u32(start))])).toEqual([
      { decodeTicks: 500, compositionTicks: 0, sizeBytes: 4, sync: false, offset: 0 },
      { decodeTicks: 510, compositionTicks: 0, sizeBytes: 4, sync: false, offset: 4 },
    ]);
  });

  it('lets the first sample of a run be an exception', () => {
    const samples = only(8, (start) => [tfhd, tfdt, trun(0x5, 2, u32(start), u32(0))]);
    expect(samples.map(({ sync }) => sync)).toEqual([true, false]);
  });

  it('puts a run without an offset behind the run before it', () => {
    const row = [u32(10), u32(3), u32(0)];
    const samples = only(7, (start) => [
      tfhd,
      tfdt,
      trun(ROWS, 1, u32(start + 1), ...row),
      trun(ROWS & ~1, 1, ...row),
    ]);
    expect(samples.map(({ offset }) => offset)).toEqual([1, 4]);
  });

  it('reads composition offsets as signed', () => {
    const samples = only(8, (start) => [tfhd, tfdt, trun(0x801, 2, u32(start), u32(-20), u32(30))]);
    expect(samples.map(({ compositionTicks }) => compositionTicks)).toEqual([-20, 30]);
  });

  it('reads a 64-bit decode time', () => {
    const late = box('tfdt', versionAndFlags(1, 0), u64(2 ** 40));
    const [sample] = only(4, (start) => [tfhd, late, trun(0x1, 1, u32(start))]);
    expect(sample!.decodeTicks).toBe(2 ** 40);
  });

  it.each<[string, string, (start: number) => NewBox[]]>([
    ['a sample behind the end of the mdat', 'MP4_INVALID', (start) => [tfhd, tfdt, trun(0x1, 3, u32(start))]],
    ['a sample before the mdat', 'MP4_INVALID', (start) => [tfhd, tfdt, trun(0x1, 2, u32(start - 1))]],
    ['a negative offset', 'MP4_INVALID', () => [tfhd, tfdt, trun(0x1, 2, u32(-8))]],
    ['more rows than bytes', 'MP4_INVALID', (start) => [tfhd, tfdt, trun(ROWS, 1000, u32(start))]],
    [
      '2^32 - 1 samples without rows',
      'MP4_TOO_LARGE',
      (start) => [tfhd, tfdt, trun(0x1, 2 ** 32 - 1, u32(start))],
    ],
    ['no tfdt', 'MP4_UNSUPPORTED', (start) => [tfhd, trun(0x1, 1, u32(start))]],
    ['no tfhd', 'MP4_INVALID', () => [tfdt]],
    ['an unknown track', 'MP4_INVALID', () => [box('tfhd', u32(0x20000), u32(9)), tfdt]],
    ['offsets in the file', 'MP4_UNSUPPORTED', () => [box('tfhd', u32(1), u32(1), u64(0)), tfdt]],
    ['a second configuration', 'MP4_UNSUPPORTED', () => [box('tfhd', u32(2), u32(1), u32(2)), tfdt]],
    ['a time beyond 2^53', 'MP4_INVALID', () => [tfhd, box('tfdt', versionAndFlags(1, 0), u32(2 ** 31, 0))]],
  ])('refuses %s', (_note, code, content) => {
    expect(() => parseFragment(fragment(8, content), init)).toThrow(expect.objectContaining({ code }));
  });

  it('refuses what is not one moof with its mdat', () => {
    const whole = fragment(4, (start) => [tfhd, tfdt, trun(0x1, 1, u32(start))]);
    const moofLength = whole.length - 12;
    expect(() => parseFragment(whole.subarray(0, moofLength), init)).toThrow('must follow its moof');
    expect(() => parseFragment(whole.subarray(moofLength), init)).toThrow('is not the moof');
    const more = Buffer.concat([whole, boxBytes(box('free', ascii('abcd')))]);
    expect(() => parseFragment(more, init)).toThrow('follows the end of the fragment');
  });
});

function rows(table: SampleTable) {
  return Array.from({ length: table.count }, (_, i) => ({
    decodeTicks: table.decodeTicks[i]!,
    compositionTicks: table.compositionTicks[i]!,
    sizeBytes: table.sizeBytes[i]!,
    offset: table.offset[i]!,
    sync: table.sync[i] === 1,
  }));
}
