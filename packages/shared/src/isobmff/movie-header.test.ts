import { beforeAll, describe, expect, it } from 'vitest';
import { cutSegments, loaded, recorded } from '../../../../fixtures/media/index.js';
import type { Box } from './box.js';
import { childrenOf, readBoxHeader, requireChild, topLevelBoxes } from './box.js';
import { sameConfiguration } from './codec-configuration.js';
import { Fields } from './fields.js';
import { primaryTrack } from './init-segment.js';
import type { MovieSegment } from './movie.js';
import { buildMovie } from './movie-builder.js';
import type { SampleTable } from './sample-table.js';
import type { Track } from './track.js';

const START_MS = Date.UTC(2026, 7, 22, 16);

/** The moov of a movie's header, and the header of the mdat that ends it. */
function partsOf(header: Uint8Array): {
  moov: Box;
  mdat: NonNullable<ReturnType<typeof readBoxHeader>>;
  mdatAt: number;
} {
  const ftyp = readBoxHeader(header, 0)!.sizeBytes!;
  const mdatAt = ftyp + readBoxHeader(header.subarray(ftyp), ftyp)!.sizeBytes!;
  const [, moov] = topLevelBoxes(header.subarray(0, mdatAt));
  return { moov: moov!, mdat: readBoxHeader(header.subarray(mdatAt), mdatAt)!, mdatAt };
}

function stblOf(moov: Box, index: number): Box {
  const traks = [...childrenOf(moov)].filter(({ type }) => type === 'trak');
  return requireChild(requireChild(requireChild(traks[index]!, 'mdia'), 'minf'), 'stbl');
}

/** A table of evenly spaced samples as a camera's: a keyframe every second. */
function evenTable(count: number, firstTicks: number, durationTicks: number, sizeBytes: number): SampleTable {
  const column = (value: (i: number) => number): number[] =>
    Array.from({ length: count }, (_, i) => value(i));
  return {
    count,
    decodeTicks: Float64Array.from(column((i) => firstTicks + i * durationTicks)),
    durationTicks: new Uint32Array(count).fill(durationTicks),
    compositionTicks: new Int32Array(count),
    sizeBytes: new Uint32Array(count).fill(sizeBytes),
    offset: Float64Array.from(column((i) => 2_000 + i * sizeBytes)),
    sync: Uint8Array.from(column((i) => (i % 30 === 0 ? 1 : 0))),
  };
}

describe('the header of a movie', () => {
  let real: MovieSegment;
  beforeAll(async () => {
    [real] = (await loaded(cutSegments(await recorded('h264NoB')))) as [MovieSegment];
  });

  /** Segments of ten seconds at 30 pictures a second with sound, made up. */
  function segmentsOf(count: number, pictureBytes: number): MovieSegment[] {
    const [video, audio] = real.init.tracks as [Track, Track];
    const init = { ...real.init, tracks: [{ ...video, timescale: 90_000 }, audio] };
    return Array.from({ length: count }, (_, seq) => ({
      run: 'one',
      clock: { startMs: START_MS, startTicks: 0, timescale: 90_000, ppm: 0 },
      init,
      tables: [
        evenTable(300, seq * 900_000, 3_000, pictureBytes),
        evenTable(469, Math.round((seq * 480_000) / 1024) * 1024, 1_024, 200),
      ],
      fragments: Array.from({ length: 10 }, (_, i) => ({
        number: 1 + seq * 10 + i,
        startTicks: seq * 900_000 + i * 90_000,
      })),
    }));
  }

  it('uses 64-bit offsets and sizes when, and only when, the file passes 4 GiB', () => {
    const build = (pictureBytes: number) =>
      buildMovie({
        segments: segmentsOf(12, pictureBytes),
        range: { startMs: START_MS, endMs: START_MS + 120_000 },
        mode: 'exact',
      })!;
    const small = build(1_100_000);
    const large = build(1_200_000);
    for (const [movie, offsets, headerBytes] of [
      [small, 'stco', 8],
      [large, 'co64', 16],
    ] as const) {
      const { moov, mdat, mdatAt } = partsOf(movie.header);
      expect(mdat).toMatchObject({ type: 'mdat', headerBytes });
      expect(mdatAt + headerBytes).toBe(movie.header.length);
      expect(mdatAt + mdat.sizeBytes!).toBe(movie.sizeBytes);
      const fields = new Fields(requireChild(stblOf(moov, 0), offsets));
      fields.skip(8); // version, flags, entry count
      expect(offsets === 'co64' ? fields.u64() : fields.u32()).toBe(movie.header.length);
    }
    expect(large.sizeBytes).toBeGreaterThan(2 ** 32);
  });

  it('is made for an hour in well under a second', () => {
    const segments = segmentsOf(360, 20_000);
    const began = performance.now();
    const movie = buildMovie({
      segments,
      range: { startMs: START_MS + 1, endMs: START_MS + 3_600_000 },
      mode: 'exact',
    })!;
    const tookMs = performance.now() - began;
    expect(movie).toMatchObject({ gaps: [], endMs: START_MS + 3_600_000 });
    const sizes = new Fields(requireChild(stblOf(partsOf(movie.header).moov, 0), 'stsz'));
    sizes.skip(8); // version, flags, sample_size
    expect(sizes.u32()).toBe(360 * 300);
    // Measured at a tenth of this; the bound is for a busy machine.
    expect(tookMs).toBeLessThan(1_000);
  });

  it('says when the movie was recorded, also after 2040', () => {
    const createdOf = (startMs: number): number => {
      const segments = segmentsOf(1, 1_000).map((segment) => ({
        ...segment,
        clock: { ...segment.clock, startMs },
      }));
      const { header } = buildMovie({ segments, range: { startMs, endMs: startMs + 5_000 }, mode: 'exact' })!;
      const fields = new Fields(requireChild(partsOf(header).moov, 'mvhd'));
      const { version } = fields.versionAndFlags();
      return version === 1 ? fields.u64() : fields.u32();
    };
    const since1904 = (ms: number): number => (ms - Date.UTC(1904, 0, 1)) / 1000;
    expect(createdOf(START_MS)).toBe(since1904(START_MS));
    expect(createdOf(Date.UTC(2050, 0, 1))).toBe(since1904(Date.UTC(2050, 0, 1)));
  });

  it('names H.265 as Apple wants it', async () => {
    const [segment] = await loaded(cutSegments(await recorded('h265')));
    const [video, ...others] = segment!.init.tracks as [Track, ...Track[]];
    const hev1 = video.sampleEntry.slice();
    hev1.set(new TextEncoder().encode('hev1'), 4);
    const init = { ...segment!.init, tracks: [{ ...video, sampleEntry: hev1 }, ...others] };
    const range = { startMs: START_MS, endMs: START_MS + 2_000 };
    const movieOf = (one: MovieSegment) => buildMovie({ segments: [one], range, mode: 'exact' })!;
    expect(movieOf({ ...segment!, init }).header).toEqual(movieOf(segment!).header);
  });
});

describe(sameConfiguration, () => {
  it('tells formats apart', async () => {
    const trackOf = async (name: 'h264' | 'h264NoB' | 'larger' | 'h265') =>
      primaryTrack((await loaded(cutSegments(await recorded(name))))[0]!.init);
    const h264 = await trackOf('h264');
    expect(sameConfiguration(h264, { ...(await trackOf('h264')), id: 7 })).toBe(true);
    for (const other of ['h264NoB', 'larger', 'h265'] as const)
      expect(sameConfiguration(h264, await trackOf(other))).toBe(false);
  });

  it('does not tell bit rates apart', async () => {
    const { init } = (await loaded(cutSegments(await recorded('h264'))))[0]!;
    for (const track of init.tracks) {
      const sampleEntry = Buffer.from(track.sampleEntry);
      sampleEntry.writeUInt32BE(123_456, sampleEntry.indexOf('btrt') + 8);
      const esds = sampleEntry.indexOf('esds');
      // Average bit rate, behind the fields and the headers of two descriptors.
      if (esds > 0) sampleEntry.writeUInt32BE(654_321, esds + 4 + 4 + 5 + 3 + 5 + 2 + 3 + 4);
      expect(sampleEntry.equals(track.sampleEntry)).toBe(false);
      expect(sameConfiguration(track, { ...track, sampleEntry })).toBe(true);
    }
  });
});
