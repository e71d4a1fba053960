import { describe, expect, it, test } from 'vitest';
import { ascii, box, boxBytes, u32 } from './box-writer.js';
import { memorySource, WindowedSource } from './byte-source.js';
import type { LocatedBox } from './located-box.js';
import { locatedBoxes, readLocatedBox } from './located-box.js';

async function found(bytes: Uint8Array, isFile: boolean): Promise<LocatedBox[]> {
  const source = new WindowedSource(memorySource(bytes));
  const boxes: LocatedBox[] = [];
  for await (const each of locatedBoxes(source, { from: 0, to: bytes.length, isFile })) boxes.push(each);
  return boxes;
}

const TWO = Buffer.concat([boxBytes(box('ftyp', ascii('isom'))), boxBytes(box('free', new Uint8Array(5)))]);

describe('locatedBoxes', () => {
  it('finds boxes by their headers', async () => {
    const places = (await found(TWO, true)).map(({ type, offset, end }) => [type, offset, end]);
    expect(places).toEqual([
      ['ftyp', 0, 12],
      ['free', 12, 25],
    ]);
  });

  it('lets the last box of a file, and no other, run to its end', async () => {
    const open = Buffer.concat([TWO, u32(0), ascii('mdat'), new Uint8Array(30)]);
    expect((await found(open, true)).at(-1)).toMatchObject({ type: 'mdat', end: open.length, isOpen: true });
    await expect(found(open, false)).rejects.toMatchObject({ code: 'MP4_INVALID' });
  });

  it('takes the zero with which QuickTime ends a list for its end, inside a box', async () => {
    const ended = Buffer.concat([TWO, u32(0)]);
    expect(await found(ended, false)).toHaveLength(2);
    await expect(found(ended, true)).rejects.toMatchObject({ code: 'MP4_INVALID' });
  });

  test.each([
    ['in its header', TWO.subarray(0, 18)],
    ['in its body', TWO.subarray(0, 24)],
  ])('rejects a box that is cut off %s', async (_, bytes) => {
    await expect(found(bytes, true)).rejects.toMatchObject({ code: 'MP4_INVALID' });
  });
});

describe('readLocatedBox', () => {
  const source = new WindowedSource(memorySource(TWO));

  it('reads the bytes of a box', async () => {
    const [ftyp] = await found(TWO, true);
    const { body, at } = await readLocatedBox(source, ftyp!, 12);
    expect(Buffer.from(body).toString()).toBe('isom');
    expect(at).toBe(0);
  });

  it('reads none that is larger than what is accepted, or that the file has lost', async () => {
    const [ftyp, free] = await found(TWO, true);
    await expect(readLocatedBox(source, ftyp!, 11)).rejects.toMatchObject({ code: 'MP4_TOO_LARGE' });
    const shorter = new WindowedSource(memorySource(TWO.subarray(0, 20)));
    await expect(readLocatedBox(shorter, free!, 100)).rejects.toMatchObject({ code: 'MP4_INVALID' });
  });
});
