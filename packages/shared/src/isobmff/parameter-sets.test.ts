import { beforeAll, describe, expect, it } from 'vitest';
import type { RecipeName } from '../../../../fixtures/media/index.js';
import { piecesOf, recorded } from '../../../../fixtures/media/index.js';
import { u16, u32 } from './box-writer.js';
import { fragmentSummary } from './fragment-summary.js';
import type { InitSegment } from './init-segment.js';
import { parseInitSegment, primaryTrack } from './init-segment.js';
import { nalUnits, parameterSetsChanged } from './parameter-sets.js';
import type { Track } from './track.js';

interface Recorded {
  readonly track: Track;
  /** The first sync sample. */
  readonly sample: Uint8Array;
}

async function firstSample(name: RecipeName): Promise<Recorded> {
  const [first, fragment] = piecesOf(await recorded(name));
  const init: InitSegment = parseInitSegment(first!.bytes);
  const { offset, sizeBytes } = fragmentSummary(fragment!.bytes, init).primary!.firstSample;
  return { track: primaryTrack(init), sample: fragment!.bytes.subarray(offset, offset + sizeBytes) };
}

const nal = (...bytes: Uint8Array[]): Uint8Array => {
  const unit = Buffer.concat(bytes);
  return Buffer.concat([u32(unit.length), unit]);
};

/** The first SPS of an `avcC`, and its first PPS. */
function avcSets({ decoderConfiguration: record }: Track): [Uint8Array, Uint8Array] {
  const spsLength = record![6]! * 256 + record![7]!;
  const pps = 8 + spsLength + 1;
  return [
    record!.subarray(8, 8 + spsLength),
    record!.subarray(pps + 2, pps + 2 + record![pps]! * 256 + record![pps + 1]!),
  ];
}

describe(parameterSetsChanged, () => {
  let small: Recorded;
  let larger: Recorded;
  beforeAll(async () => {
    small = await firstSample('h264');
    larger = await firstSample('larger');
  });

  it('sees no change in a sample without parameter sets', () => {
    expect(parameterSetsChanged(small.track, small.sample)).toBe(false);
  });

  it('sees no change where a camera repeats the sets it began with', () => {
    const [sps, pps] = avcSets(small.track);
    const repeated = Buffer.concat([nal(sps), nal(pps), small.sample]);
    expect(parameterSetsChanged(small.track, repeated)).toBe(false);
  });

  it('does not mind zeros behind a set', () => {
    const [sps] = avcSets(small.track);
    expect(parameterSetsChanged(small.track, nal(sps, new Uint8Array(3)))).toBe(false);
  });

  it.each([0, 1])('sees another SPS or PPS (%i)', (which) => {
    const changed = Buffer.from(avcSets(small.track)[which]!);
    changed[changed.length - 1] = (changed.at(-1)! ^ 0x10) | 0x08;
    expect(parameterSetsChanged(small.track, nal(changed))).toBe(true);
  });

  it('sees that the picture has become larger', () => {
    const [sps] = avcSets(larger.track);
    expect(parameterSetsChanged(small.track, Buffer.concat([nal(sps), larger.sample]))).toBe(true);
  });

  it('looks no further than the first picture', () => {
    const [sps] = avcSets(larger.track);
    expect(parameterSetsChanged(small.track, Buffer.concat([small.sample, nal(sps)]))).toBe(false);
  });

  it('knows the parameter sets of H.265', async () => {
    const { track, sample } = await firstSample('h265');
    const sets = hevcSets(track.decoderConfiguration!);
    expect(sets.map((set) => (set[0]! >> 1) & 0x3f)).toEqual([32, 33, 34]); // VPS, SPS, PPS
    const repeated = Buffer.concat([...sets.map((set) => nal(set)), sample]);
    expect(parameterSetsChanged(track, repeated)).toBe(false);
    for (const set of sets) {
      const changed = Buffer.from(set);
      changed[5] = changed[5]! ^ 0x7f;
      expect(parameterSetsChanged(track, nal(changed))).toBe(true);
    }
  });

  it('has no opinion on codecs without such sets', () => {
    const track = { ...small.track, codec: 'av01', decoderConfiguration: undefined };
    expect(parameterSetsChanged(track, nal(avcSets(larger.track)[0]))).toBe(false);
  });

  it('passes over nonsense', () => {
    const sets = Buffer.concat([u32(0), u32(0), u32(2 ** 31), small.sample]);
    expect(parameterSetsChanged(small.track, sets)).toBe(false);
    expect(parameterSetsChanged(small.track, new Uint8Array(3))).toBe(false);
    const empty = { ...small.track, decoderConfiguration: new Uint8Array(5) };
    expect(parameterSetsChanged(empty, nal(avcSets(small.track)[0]))).toBe(true);
  });
});

describe(nalUnits, () => {
  it('takes lengths of one and two bytes too', () => {
    const unit = new Uint8Array([0x65, 1, 2]);
    expect([...nalUnits(Buffer.concat([u16(3), unit, u16(3), unit]), 2)]).toHaveLength(2);
    expect([...nalUnits(Buffer.concat([new Uint8Array([3]), unit]), 1)]).toHaveLength(1);
  });
});

function hevcSets(record: Uint8Array): Uint8Array[] {
  const sets: Uint8Array[] = [];
  let at = 23;
  for (let array = 0; array < record[22]!; array++) {
    const length = record[at + 3]! * 256 + record[at + 4]!;
    sets.push(record.subarray(at + 5, at + 5 + length));
    at += 5 + length;
  }
  return sets.filter((set) => ((set[0]! >> 1) & 0x3f) < 39); // without SEI
}
