import { describe, expect, it } from 'vitest';
import { topLevelBoxes } from './box.js';
import { box, boxBytes, u16, u32, u64, versionAndFlags } from './box-writer.js';
import { parseEditList, presentationOf } from './edit-list.js';

const trakOf = (version: number, ...fields: Uint8Array[]) => {
  const elst = box('elst', versionAndFlags(version, 0), ...fields);
  return [...topLevelBoxes(boxBytes(box('trak', box('edts', elst))))][0]!;
};
const rate = u16(1, 0);

describe(parseEditList, () => {
  it('reads both versions', () => {
    const short = trakOf(0, u32(2), u32(500, -1), rate, u32(0, 1024), rate);
    const long = trakOf(1, u32(2), u64(500), u32(-1, -1), rate, u64(0, 1024), rate);
    const edits = [
      { durationTicks: 500, mediaTime: -1 },
      { durationTicks: 0, mediaTime: 1024 },
    ];
    expect(parseEditList(short)).toEqual(edits);
    expect(parseEditList(long)).toEqual(edits);
  });

  it.each([
    ['more edits than a recorder makes', trakOf(0, u32(65)), 'MP4_TOO_LARGE'],
    ['fewer edits than it says', trakOf(0, u32(2), u32(0, 0), rate), 'MP4_INVALID'],
    ['slow motion', trakOf(0, u32(1), u32(0, 0), u16(0, 0x8000)), 'MP4_UNSUPPORTED'],
  ])('refuses %s', (_note, trak, code) => {
    expect(() => parseEditList(trak)).toThrow(expect.objectContaining({ code }));
  });
});

describe(presentationOf, () => {
  it('presents media as they are without a list', () => {
    expect(presentationOf({ edits: [], timescale: 90_000 }, 1000)).toEqual({ mediaTime: 0, delayTicks: 0 });
  });

  it('adds up the waiting in front, in ticks of the track', () => {
    const edits = [
      { durationTicks: 250, mediaTime: -1 },
      { durationTicks: 500, mediaTime: -1 },
      { durationTicks: 0, mediaTime: 3000 },
    ];
    const presentation = presentationOf({ edits, timescale: 90_000 }, 1000);
    expect(presentation).toEqual({ mediaTime: 3000, delayTicks: 67_500 });
  });

  it('refuses media that are played in pieces', () => {
    const edits = [
      { durationTicks: 250, mediaTime: 0 },
      { durationTicks: 0, mediaTime: 9000 },
    ];
    expect(() => presentationOf({ edits, timescale: 90_000 }, 1000)).toThrow('in more than one piece');
  });
});
