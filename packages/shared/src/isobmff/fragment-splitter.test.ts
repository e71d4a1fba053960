import { beforeAll, describe, expect, it } from 'vitest';
import { piecesOf, recorded } from '../../../../fixtures/media/index.js';
import { ascii, box, boxBytes, u32, versionAndFlags } from './box-writer.js';
import type { Piece } from './fragment-splitter.js';
import { FragmentSplitter } from './fragment-splitter.js';

const ftyp = boxBytes(box('ftyp', ascii('isom')));
const moov = boxBytes(box('moov', new Uint8Array(40)));
const mdat = boxBytes(box('mdat', new Uint8Array(100)));
const moof = (number: number): Uint8Array =>
  boxBytes(box('moof', box('mfhd', versionAndFlags(0, 0), u32(number))));

/** What comes out of a stream, and the code of the error that ended it. */
function split(stream: Uint8Array, chunkBytes = stream.length, splitter = new FragmentSplitter()) {
  const pieces: Piece[] = [];
  try {
    for (let at = 0; at < stream.length; at += chunkBytes)
      for (const piece of splitter.push(stream.slice(at, at + chunkBytes))) pieces.push(piece);
  } catch (thrown) {
    return { pieces, code: (thrown as { code: string }).code };
  }
  return { pieces, code: undefined, pendingBytes: splitter.pendingBytes };
}

const kinds = ({ pieces, code }: ReturnType<typeof split>): unknown[] => [
  ...pieces.map((piece) => (piece.kind === 'init' ? 'init' : piece.number)),
  ...(code === undefined ? [] : [code]),
];

describe(FragmentSplitter, () => {
  let recording: Uint8Array;
  beforeAll(async () => {
    recording = await recorded('silent');
  });

  it('gives back every byte of what ffmpeg writes, in pieces', () => {
    const pieces = piecesOf(recording);
    expect(Buffer.concat(pieces.map(({ bytes }) => bytes)).equals(recording)).toBe(true);
    expect(pieces[0]!.kind).toBe('init');
    expect(pieces.slice(1).map((piece) => piece.kind === 'fragment' && piece.number)).toEqual(
      pieces.slice(1).map((_, i) => i + 1),
    );
  });

  it.each([1, 7, 8, 1000, 4096])(
    'does not care that the stream comes in chunks of %i bytes',
    (chunkBytes) => {
      const stream = recording.subarray(0, 100_000);
      expect(split(stream, chunkBytes)).toEqual(split(stream));
    },
  );

  it('says where the mdat begins', () => {
    const [, piece] = split(Buffer.concat([ftyp, moov, moof(1), mdat])).pieces;
    expect(piece).toMatchObject({ number: 1, moofLength: moof(1).length });
  });

  it('holds a fragment back until all of it is there', () => {
    const stream = Buffer.concat([ftyp, moov, moof(1), mdat]);
    const { pieces, pendingBytes } = split(stream.subarray(0, -1));
    expect(pieces).toHaveLength(1);
    expect(pendingBytes).toBe(moof(1).length + mdat.length - 1);
  });

  it('gives pieces that do not share memory with the chunks', () => {
    const chunk = Uint8Array.from(Buffer.concat([ftyp, moov, moof(1), mdat]));
    const [init] = [...new FragmentSplitter().push(chunk)];
    chunk.fill(0);
    expect(init!.bytes.subarray(4, 8)).toEqual(ascii('ftyp'));
  });

  it('passes over boxes that only streaming needs', () => {
    const skipped = ['free', 'sidx', 'styp', 'prft', 'emsg', 'uuid'].map((type) =>
      boxBytes(box(type, new Uint8Array(50))),
    );
    const stream = Buffer.concat([
      ...skipped,
      ftyp,
      ...skipped,
      moov,
      ...skipped,
      moof(4),
      mdat,
      ...skipped,
      moof(5),
      mdat,
    ]);
    expect(kinds(split(stream, 33))).toEqual(['init', 4, 5]);
    expect(split(stream).pieces[0]!.bytes).toHaveLength(ftyp.length + moov.length);
  });

  const begun = [ftyp, moov, moof(1), mdat];
  it.each([
    { note: 'a stream without ftyp', boxes: [moov, moof(1), mdat], seen: ['MP4_INVALID'] },
    { note: 'a fragment before the moov', boxes: [ftyp, moof(1), mdat], seen: ['MP4_INVALID'] },
    { note: 'an mdat before its moof', boxes: [...begun, mdat], seen: ['init', 1, 'MP4_INVALID'] },
    { note: 'a moof after a moof', boxes: [...begun, moof(2), moof(3)], seen: ['init', 1, 'MP4_INVALID'] },
    {
      note: 'something between moof and mdat',
      boxes: [...begun, moof(2), boxBytes(box('free')), mdat],
      seen: ['init', 1, 'MP4_INVALID'],
    },
    { note: 'a number left out', boxes: [...begun, moof(3), mdat], seen: ['init', 1, 'MP4_INVALID'] },
    { note: 'a number twice', boxes: [...begun, moof(1), mdat], seen: ['init', 1, 'MP4_INVALID'] },
    { note: 'a second moov', boxes: [...begun, moov], seen: ['init', 1, 'MP4_RESTARTED'] },
    { note: 'a second ftyp', boxes: [...begun, ftyp], seen: ['init', 1, 'MP4_RESTARTED'] },
    { note: 'garbage', boxes: [...begun, ascii('\0\0\0\x10gar bage')], seen: ['init', 1, 'MP4_INVALID'] },
    {
      note: 'an mdat that runs to the end',
      boxes: [...begun, moof(2), u32(0), ascii('mdat')],
      seen: ['init', 1, 'MP4_INVALID'],
    },
    {
      note: 'a moof without its number',
      boxes: [...begun, boxBytes(box('moof')), mdat],
      seen: ['init', 1, 'MP4_INVALID'],
    },
  ])('ends at $note', ({ boxes, seen }) => {
    expect(kinds(split(Buffer.concat(boxes)))).toEqual(seen);
  });

  it('refuses what passes its limits as soon as the header says so', () => {
    const limits = { maxInitBytes: 1000, maxFragmentBytes: 2000 };
    const large = (type: string): Uint8Array => Buffer.concat([u32(2001), ascii(type)]);
    const seen = (...boxes: Uint8Array[]) =>
      kinds(split(Buffer.concat(boxes), 5, new FragmentSplitter(limits)));
    expect(seen(ftyp, u32(1000), ascii('moov'))).toEqual(['MP4_TOO_LARGE']);
    expect(seen(ftyp, moov, large('moof'))).toEqual(['init', 'MP4_TOO_LARGE']);
    expect(seen(ftyp, moov, moof(1), large('mdat'))).toEqual(['init', 'MP4_TOO_LARGE']);
    expect(seen(ftyp, moov, large('free'))).toEqual(['init', 'MP4_TOO_LARGE']);
  });
});
