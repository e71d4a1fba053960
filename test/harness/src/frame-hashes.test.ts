import { describe, expect, it, test } from 'vitest';
import type { CodedFrame } from './frame-hashes.js';
import { accountFor } from './frame-hashes.js';

/** One letter a frame: capitals are pictures, small letters are sound. */
function frames(letters: string): CodedFrame[] {
  return Array.from(letters, (letter) => ({
    stream: letter === letter.toUpperCase() ? 0 : 1,
    sizeBytes: 1,
    md5: letter,
  }));
}

const none = { before: 0, after: 0, lost: 0, doubled: 0, foreign: 0 };

describe('accountFor', () => {
  test.each([
    { note: 'all of it', found: 'ABCDEF', account: { ...none, expected: 6 } },
    { note: 'a stretch of it', found: 'BCDE', account: { ...none, before: 1, expected: 4, after: 1 } },
    { note: 'one frame lost', found: 'ABDEF', account: { ...none, expected: 6, lost: 1 } },
    { note: 'one frame doubled', found: 'ABCCDEF', account: { ...none, expected: 6, doubled: 1 } },
    {
      note: 'one lost, another doubled',
      found: 'ABDDEF',
      account: { ...none, expected: 6, lost: 1, doubled: 1 },
    },
    { note: 'a frame that nobody made', found: 'ABXCDEF', account: { ...none, expected: 6, foreign: 1 } },
    { note: 'two frames exchanged', found: 'ABDCEF', account: { ...none, expected: 6, foreign: 2 } },
    { note: 'nothing', found: '', account: { ...none, expected: 0, after: 6 } },
    { note: 'nothing of it', found: 'XYZ', account: { ...none, expected: 0, after: 6, foreign: 3 } },
  ])('counts $note', ({ found, account }) => {
    expect(accountFor(frames('ABCDEF'), frames(found), 0)).toEqual(account);
  });

  it('expects equal frames as often as the camera made them', () => {
    const silence = frames('aabaa');
    expect(accountFor(silence, frames('aabaa'), 1)).toMatchObject({ expected: 5, lost: 0, doubled: 0 });
    expect(accountFor(silence, frames('abaa'), 1)).toMatchObject({ lost: 1, doubled: 0 });
    expect(accountFor(silence, frames('aabaaa'), 1)).toMatchObject({ lost: 0, doubled: 1 });
  });

  it('counts one stream only', () => {
    expect(accountFor(frames('AaBbC'), frames('AaC'), 0)).toMatchObject({ expected: 3, lost: 1 });
    expect(accountFor(frames('AaBbC'), frames('AaC'), 1)).toMatchObject({ expected: 1, lost: 0, after: 1 });
  });
});
