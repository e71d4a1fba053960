import { beforeAll, describe, expect, it } from 'vitest';
import type { MadeSegment } from '../../../../fixtures/media/index.js';
import { cutSegments, recorded } from '../../../../fixtures/media/index.js';
import { AppError } from '../errors/index.js';
import { ascii, box, boxBytes } from './box-writer.js';
import { memorySource } from './byte-source.js';
import { readSegmentSamples } from './segment-samples.js';
import type { SegmentLayout } from './segment-layout.js';
import { scanSegment } from './segment-layout.js';

const scan = (bytes: Uint8Array): Promise<SegmentLayout> => scanSegment(memorySource(bytes));

describe(scanSegment, () => {
  let segment: MadeSegment;
  let whole: SegmentLayout;
  beforeAll(async () => {
    segment = cutSegments(await recorded('h264'))[1]!;
    whole = await scan(segment.bytes);
  });

  /** Where fragment `i` ends. */
  const endOf = (i: number): number => whole.fragments[i]!.offset + whole.fragments[i]!.sizeBytes;

  it('finds every part of a closed segment', () => {
    expect(whole.identity).toEqual(segment.identity);
    expect(Buffer.from(whole.initBytes).equals(segment.init)).toBe(true);
    expect(whole.fragments.map(({ number }) => number)).toEqual([5, 6, 7, 8]);
    expect(whole.fragments.map(({ startsWithSync }) => startsWithSync)).toEqual([true, false, true, false]);
    expect(whole.fragments[0]).toMatchObject({
      offset: whole.headLength,
      sizeBytes: segment.fragments[0]!.bytes.length,
      startTicks: 61_440,
      durationTicks: 15_360,
    });
    expect(whole).toMatchObject({ jumps: [], damage: undefined, seal: { fragments: 4 } });
    expect(whole.wholeLength).toBe(endOf(3));
    expect(whole.tailOffset).toBe(whole.wholeLength);
  });

  it('reads little more than headers', async () => {
    let readBytes = 0;
    const file = memorySource(segment.bytes);
    const read = (offset: number, length: number) => {
      readBytes += length;
      return file.read(offset, length);
    };
    await scanSegment({ sizeBytes: file.sizeBytes, read });
    expect(readBytes).toBeLessThan(6 * 8192 + 1);
  });

  it('gives the same samples as the file has packets', async () => {
    const { tables } = await readSegmentSamples(memorySource(segment.bytes));
    expect(tables.map(({ count }) => count)).toEqual([120, 187]);
    const lastVideo = tables[0]!.offset[119]! + tables[0]!.sizeBytes[119]!;
    expect(lastVideo).toBeLessThan(whole.wholeLength);
  });

  it('puts a fragment without pictures at the end of the one before it', async () => {
    const last = cutSegments(await recorded('h264')).at(-1)!;
    const { fragments } = await scan(last.bytes);
    expect(fragments.at(-1)).toMatchObject({ startTicks: 307_200, durationTicks: 0, startsWithSync: false });
  });

  it('reports where numbers do not follow each other', async () => {
    const [torn] = cutSegments(await recorded('h264'), { without: [2, 3] });
    expect((await scan(torn!.bytes)).jumps).toEqual([{ index: 1, expected: 2, found: 4 }]);
  });

  it('finds the whole fragments of a file cut anywhere', async () => {
    const cuts = new Set<number>();
    for (const around of [whole.headLength, endOf(0), endOf(1), endOf(2), endOf(3), segment.bytes.length])
      for (let cut = around - 40; cut <= around + 700; cut++) cuts.add(cut);
    for (const cut of cuts) {
      if (cut < whole.headLength || cut > segment.bytes.length) continue;
      const layout = await scan(segment.bytes.subarray(0, cut));
      const wholeCount = [0, 1, 2, 3].filter((i) => endOf(i) <= cut).length;
      expect(layout.fragments).toEqual(whole.fragments.slice(0, wholeCount));
      expect(layout.wholeLength).toBe(wholeCount === 0 ? whole.headLength : endOf(wholeCount - 1));
      const atBoundary = cut === layout.wholeLength || cut === segment.bytes.length;
      expect(layout.damage === undefined).toBe(atBoundary);
      expect(layout.tailOffset).toBe(cut === segment.bytes.length ? whole.tailOffset : undefined);
    }
  });

  it('refuses a file that is cut within its head', async () => {
    const moovEnd = segment.init.length;
    for (let cut = 0; cut < moovEnd; cut++) {
      const error = await scan(segment.bytes.subarray(0, cut)).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(AppError);
      expect(error).toHaveProperty('code', 'MP4_INVALID');
    }
  });

  it.each([1, 4096, 100_000])('stops at %i zeros behind the last fragment', async (zeros) => {
    const cut = segment.bytes.subarray(0, endOf(1));
    const layout = await scan(Buffer.concat([cut, new Uint8Array(zeros)]));
    expect(layout.wholeLength).toBe(endOf(1));
    expect(layout.damage).toBeDefined();
  });

  it('does not trust a last fragment whose media were never written out', async () => {
    const { offset, sizeBytes } = whole.fragments[1]!;
    // The file has its length, but from some block on there are zeros; blocks have 512 bytes at least.
    for (let from = offset + 2048; from < offset + sizeBytes - 512; from += 512) {
      const torn = Buffer.from(segment.bytes.subarray(0, endOf(1)));
      torn.fill(0, from);
      const layout = await scan(torn);
      expect(layout.wholeLength).toBe(endOf(0));
      expect(layout.damage?.message).toContain('it was not written out');
    }
  });

  it('says what follows the seal', async () => {
    const more = Buffer.concat([segment.bytes, boxBytes(box('free', ascii('more')))]);
    const layout = await scan(more);
    expect(layout.fragments).toHaveLength(4);
    expect(layout.damage?.message).toBe(`free at byte ${segment.bytes.length} follows the seal`);
  });

  it('reads the file of a recorder that knows nothing of identities', async () => {
    const foreign = await recorded('h264NoB');
    const layout = await scan(foreign);
    expect(layout).toMatchObject({ identity: undefined, seal: undefined, damage: undefined });
    expect(layout.fragments).toHaveLength(20);
  });

  it('hands on a failure of the disk as it is', async () => {
    const file = memorySource(segment.bytes);
    const read = async (offset: number, length: number) => {
      if (offset > whole.headLength + 10_000) throw new AppError('STORAGE_WRITE_FAILED', 'the disk is dying');
      return file.read(offset, length);
    };
    await expect(scanSegment({ sizeBytes: file.sizeBytes, read })).rejects.toThrow('the disk is dying');
  });
});
