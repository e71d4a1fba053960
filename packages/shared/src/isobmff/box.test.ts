import { describe, expect, it } from 'vitest';
import { childrenOf, findChild, readBoxHeader, requireChild, topLevelBoxes } from './box.js';
import { ascii, box, boxBytes, u32, u64, u8 } from './box-writer.js';

const bytes = (...parts: readonly Uint8Array[]): Uint8Array => Buffer.concat(parts);

describe(readBoxHeader, () => {
  it('reads a plain header', () => {
    expect(readBoxHeader(bytes(u32(24), ascii('free')), 0)).toEqual({
      type: 'free',
      userType: undefined,
      headerBytes: 8,
      sizeBytes: 24,
    });
  });

  it('reads a 64-bit size', () => {
    const header = readBoxHeader(bytes(u32(1), ascii('mdat'), u64(5 * 2 ** 32)), 0);
    expect(header).toMatchObject({ headerBytes: 16, sizeBytes: 5 * 2 ** 32 });
  });

  it('takes size 0 for a box that runs to the end of the file', () => {
    expect(readBoxHeader(bytes(u32(0), ascii('mdat')), 0)).toMatchObject({ sizeBytes: undefined });
  });

  it('reads the user type of a uuid box, also behind a 64-bit size', () => {
    const userType = new Uint8Array(16).fill(0xab);
    expect(readBoxHeader(bytes(u32(24), ascii('uuid'), userType), 0)).toMatchObject({
      userType: 'ab'.repeat(16),
      headerBytes: 24,
    });
    const large = bytes(u32(1), ascii('uuid'), u64(99), userType);
    expect(readBoxHeader(large, 0)).toMatchObject({ userType: 'ab'.repeat(16), headerBytes: 32 });
  });

  it('waits for more while the header is incomplete', () => {
    const header = bytes(u32(1), ascii('uuid'), u64(99), new Uint8Array(16));
    for (let length = 0; length < header.length; length++)
      expect(readBoxHeader(header.subarray(0, length), 0)).toBeUndefined();
  });

  it.each([2, 3, 7])('refuses size %i, which is less than the header', (size) => {
    expect(() => readBoxHeader(bytes(u32(size), ascii('free')), 1234)).toThrow(
      `free at byte 1234 says it has ${size} bytes, fewer than its header`,
    );
  });

  it('refuses a 64-bit size that is less than its header, and one beyond 2^53', () => {
    const header = (size: Uint8Array): Uint8Array => bytes(u32(1), ascii('mdat'), size);
    expect(() => readBoxHeader(header(u64(15)), 0)).toThrow('fewer than its header');
    expect(() => readBoxHeader(header(new Uint8Array(8).fill(255)), 0)).toThrow('beyond 2^53');
  });

  it('names a type that cannot be printed without printing it', () => {
    expect(() => readBoxHeader(bytes(u32(3), u8(27, 91, 0, 7)), 0)).toThrow(/^box "[ -~]+" at byte 0/);
  });
});

describe(topLevelBoxes, () => {
  it('yields each box with exactly its own bytes', () => {
    const file = bytes(
      boxBytes(box('ftyp', ascii('isom'))),
      boxBytes(box('free')),
      boxBytes(box('mdat', u8(1, 2))),
    );
    const seen = [...topLevelBoxes(file)].map(({ type, at, body }) => [type, at, body.length]);
    expect(seen).toEqual([
      ['ftyp', 0, 4],
      ['free', 12, 0],
      ['mdat', 20, 2],
    ]);
  });

  it('lets the last box run to the end', () => {
    const file = bytes(boxBytes(box('free')), u32(0), ascii('mdat'), u8(1, 2, 3));
    expect([...topLevelBoxes(file)].at(-1)!.body).toHaveLength(3);
  });

  it('refuses a box that is longer than what is left', () => {
    expect(() => [...topLevelBoxes(bytes(u32(9), ascii('free')))]).toThrow(
      'free at byte 0 says it has 9 bytes where 8 are left',
    );
  });

  it('refuses a header that is cut off', () => {
    expect(() => [...topLevelBoxes(bytes(boxBytes(box('free')), u8(0, 0, 1)))]).toThrow(
      'box at byte 8 is cut off in its header after 3 bytes',
    );
  });
});

describe(childrenOf, () => {
  const parentOf = (...content: readonly Uint8Array[]) => {
    const [parent] = topLevelBoxes(boxBytes(box('moov', ...content)));
    return parent!;
  };

  it('gives offsets from the start of the outermost bytes', () => {
    const parent = parentOf(boxBytes(box('mvhd', u32(0))), boxBytes(box('trak')));
    expect([...childrenOf(parent)].map(({ type, at }) => [type, at])).toEqual([
      ['mvhd', 8],
      ['trak', 20],
    ]);
  });

  it('checks a child against its parent, not against the file', () => {
    expect(() => [...childrenOf(parentOf(u32(100), ascii('trak')))]).toThrow('where 8 are left');
  });

  it('refuses size 0 inside a box', () => {
    expect(() => [...childrenOf(parentOf(u32(0), ascii('trak')))]).toThrow('size 0 inside another box');
  });

  it('passes over the zero that QuickTime ends a list with', () => {
    expect([...childrenOf(parentOf(boxBytes(box('trak')), u32(0)))]).toHaveLength(1);
  });

  it('finds children by type, and says which parent lacks one', () => {
    const parent = parentOf(boxBytes(box('trak')));
    expect(findChild(parent, 'trak')).toBeDefined();
    expect(findChild(parent, 'mvex')).toBeUndefined();
    expect(() => requireChild(parent, 'mvhd')).toThrow('moov at byte 0 has no mvhd');
  });
});
