import { describe, expect, it, test } from 'vitest';
import type { Findings } from './doubts.js';
import { doubtsAbout } from './doubts.js';

const frames = { expected: 900, lost: 0, doubled: 0, foreign: 0 };
const longest = (tram: number, bus: number): Findings['gaps'] => ({
  longestMs: (vehicle) => (vehicle === 'tram-214' ? tram : bus),
});
const proven: Findings = {
  gapMs: 23_000,
  frames,
  playlistFrames: frames,
  servedUntilMs: 60_000,
  returnedMs: 50_000,
  gaps: longest(20_000, 0),
};

describe('doubtsAbout', () => {
  it('finds none in a proof', () => {
    expect(doubtsAbout(proven)).toEqual([]);
  });

  test.each<{ note: string; found: Partial<Findings>; doubt: string }>([
    { note: 'nothing was completed', found: { gapMs: 0 }, doubt: 'there was no gap to fill' },
    { note: 'no gap was shown', found: { gaps: longest(0, 0) }, doubt: 'central never showed a gap' },
    {
      note: 'the other vehicle had a gap, too',
      found: { gaps: longest(20_000, 5_000) },
      doubt: 'bus-042 had a gap',
    },
    { note: 'a frame is lost', found: { frames: { ...frames, lost: 1 } }, doubt: '1 are lost' },
    { note: 'a frame is doubled', found: { frames: { ...frames, doubled: 1 } }, doubt: '1 doubled' },
    { note: 'a frame is foreign', found: { frames: { ...frames, foreign: 1 } }, doubt: '1 foreign' },
    { note: 'there is no frame at all', found: { frames: { ...frames, expected: 0 } }, doubt: 'Of 0 frames' },
    {
      note: 'the playlist loses a frame',
      found: { playlistFrames: { ...frames, lost: 1 } },
      doubt: 'as a player reads the playlist',
    },
    { note: 'the video ends in the tunnel', found: { servedUntilMs: 49_000 }, doubt: 'ends before the seam' },
  ])('doubts when $note', ({ found, doubt }) => {
    expect(doubtsAbout({ ...proven, ...found })).toEqual([expect.stringContaining(doubt)]);
  });

  it('lets a fleeting gap of the other vehicle pass', () => {
    expect(doubtsAbout({ ...proven, gaps: longest(20_000, 1_000) })).toEqual([]);
  });
});
