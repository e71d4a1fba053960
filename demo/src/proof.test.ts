import { describe, expect, it, test } from 'vitest';
import type { CodedFrame } from '@gapless/harness/frame-hashes';
import { compare } from './proof.js';

/** One letter a frame: capitals are pictures, small letters are sound. */
function frames(letters: string): CodedFrame[] {
  return Array.from(letters, (letter) => ({
    stream: letter === letter.toUpperCase() ? 0 : 1,
    sizeBytes: 1,
    md5: letter,
  }));
}

const made = frames('AaBbCcDdEe');

describe('compare', () => {
  test.each([
    { note: 'all of it', found: 'AaBbCcDdEe', account: { expected: 10, lost: 0, doubled: 0, foreign: 0 } },
    { note: 'all so far', found: 'AaBbCc', account: { expected: 6, lost: 0, doubled: 0, foreign: 0 } },
    {
      note: 'a lost picture',
      found: 'AaBbcDdEe',
      account: { expected: 10, lost: 1, doubled: 0, foreign: 0 },
    },
    { note: 'lost sound', found: 'AaBbCDdEe', account: { expected: 10, lost: 1, doubled: 0, foreign: 0 } },
    {
      note: 'a beginning that is lost',
      found: 'BbCcDdEe',
      account: { expected: 10, lost: 2, doubled: 0, foreign: 0 },
    },
    {
      note: 'a doubled picture',
      found: 'AaBbBCcDdEe',
      account: { expected: 10, lost: 0, doubled: 1, foreign: 0 },
    },
    {
      note: 'a foreign picture',
      found: 'AaBbXCcDdEe',
      account: { expected: 10, lost: 0, doubled: 0, foreign: 1 },
    },
  ])('counts $note', ({ found, account }) => {
    expect(compare(made, frames(found)).frames).toEqual(account);
  });

  it('says how many pictures are not served yet', () => {
    expect(compare(made, frames('AaBb'))).toMatchObject({ pictures: 2, picturesAfter: 3 });
    expect(compare(made, frames(''))).toMatchObject({ pictures: 0, picturesAfter: 5 });
  });
});
