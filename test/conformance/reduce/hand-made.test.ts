import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reduce } from '@gapless/edge-agent/reduce/index';
import { planReduction } from '@gapless/edge-agent/reduce/reduce-plan';
import { ExtentList } from '@gapless/shared/extents';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { boxOf, everyBox, treeOf, u32, u64 } from './support/box-tree.js';
import { padded } from './support/padded.js';
import { rebuilt, withAppended, withWideOffsets } from './support/rebuilt.js';
import { bytesOf, packetLines, reducedBytes } from './support/reduced.js';
import { laidOutBytes } from './support/sources.js';

const signal = new AbortController().signal;
const GIB = 2 ** 30;
const PADDING = boxOf('free', new Uint8Array(1000));

let dir: string;
let plain: Buffer;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gapless-reduce-'));
  plain = await reducedBytes(await laidOutBytes('plain'));
});
afterAll(() => rm(dir, { recursive: true }));

/** Writes parts at their offsets and leaves holes between them, which take no room on the disk. */
async function sparse(name: string, sizeBytes: number, parts: readonly (readonly [number, Buffer])[]) {
  const path = join(dir, name);
  const file = await open(path, 'w');
  await file.truncate(sizeBytes);
  for (const [at, bytes] of parts) await file.write(bytes, 0, bytes.length, at);
  await file.close();
  return { path, list: new ExtentList([{ kind: 'file', path, offset: 0, length: sizeBytes }]) };
}

/** `ftyp`, body of `mdat` and `moov` of a recording. */
function partsOf(file: Buffer) {
  const find = (type: string) => treeOf(file).find((box) => box.type === type)!;
  const [ftyp, mdat, moov] = [find('ftyp'), find('mdat'), find('moov')];
  return {
    ftyp: file.subarray(0, ftyp.end),
    media: file.subarray(mdat.body, mdat.end),
    mediaAt: mdat.body,
    moov: file.subarray(moov.at, moov.end),
  };
}

describe('a file of more than 4 GiB', () => {
  it('loses 5 GiB of padding, and is played', async () => {
    const hole = 5 * GIB;
    const { ftyp, media, moov } = partsOf(plain);
    const wide = withWideOffsets(moov, hole);
    const mdatAt = ftyp.length + hole;
    const mdat = boxOf('mdat', media);
    const { list } = await sparse('padded.mp4', mdatAt + mdat.length + wide.length, [
      [0, Buffer.concat([ftyp, u32(1), Buffer.from('free'), u64(hole)])],
      [mdatAt, Buffer.concat([mdat, wide])],
    ]);
    const { artifact, savedBytes } = await reduce(list, signal);
    expect(savedBytes).toBe(hole);
    const after = await bytesOf(artifact);
    const small = await sparse('small.mp4', after.length, [[0, after]]);
    const before = await sparse('plain.mp4', plain.length, [[0, plain]]);
    expect(await packetLines(small.path)).toEqual(await packetLines(before.path));
  });

  it('has its samples beyond 4 GiB moved', async () => {
    const hole = 5 * GIB;
    const { ftyp, media, moov } = partsOf(plain);
    const wide = withWideOffsets(moov, PADDING.length + 8 + hole);
    const mediaBytes = hole + media.length;
    const mdatAt = ftyp.length + PADDING.length;
    const moovAt = mdatAt + 16 + mediaBytes;
    const { list } = await sparse('large.mp4', moovAt + wide.length, [
      [0, Buffer.concat([ftyp, PADDING, u32(1), Buffer.from('mdat'), u64(16 + mediaBytes)])],
      [mdatAt + 16 + hole, Buffer.concat([media, wide])],
    ]);
    const { artifact, savedBytes } = await reduce(list, signal);
    expect(savedBytes).toBe(PADDING.length);
    const newMoov = await bytesOf(artifact.slice(moovAt - savedBytes, artifact.length));
    const tables = everyBox(treeOf(newMoov)).filter(({ type }) => type === 'co64');
    const old = everyBox(treeOf(plain)).filter(({ type }) => type === 'stco');
    expect(tables).toHaveLength(2);
    for (const [i, { body, end }] of tables.entries())
      for (let at = body + 8, from = old[i]!.body + 8; at < end; at += 8, from += 4) {
        const to = Number(newMoov.readBigUInt64BE(at));
        const was = plain.readUInt32BE(from);
        expect(to).toBe(was + hole + 8);
        expect(await bytesOf(artifact.slice(to, to + 16))).toEqual(plain.subarray(was, was + 16));
      }
  });
});

describe('what is read to plan', () => {
  it('is headers and tables, and no sample', async () => {
    const source = await laidOutBytes('plain', 'h264');
    const { media, mediaAt } = partsOf(source);
    const within: number[] = [];
    const counting = {
      sizeBytes: source.length,
      read: async (offset: number, length: number) => {
        if (offset > mediaAt + 8192 && offset < mediaAt + media.length) within.push(offset);
        expect(length).toBeLessThanOrEqual(2 ** 17);
        return source.subarray(offset, offset + length);
      },
    };
    const { savedBytes } = await planReduction(counting, signal);
    expect(savedBytes).toBe(8);
    expect(media.length).toBeGreaterThan(10 * 8192);
    expect(within).toEqual([]);
  });
});

describe('padding in odd places', () => {
  it('goes at the end of a container, from a sample entry, and from a movie box of 64 bits', async () => {
    const inside = ['udta', 'stbl', 'trak', 'minf', 'avc1'];
    const withEntry = rebuilt(plain, ({ type, at, end }) => {
      if (type !== 'stsd' || plain.toString('latin1', at + 20, at + 24) !== 'avc1') return undefined;
      const entry = boxOf('avc1', plain.subarray(at + 24, end), PADDING);
      return boxOf('stsd', plain.subarray(at + 8, at + 16), entry);
    });
    const source = rebuilt(
      inside.reduce((file, type) => withAppended(file, type, PADDING), withEntry),
      (box, file) =>
        box.type === 'moov'
          ? Buffer.concat([
              u32(1),
              Buffer.from('moov'),
              u64(box.end - box.at + 8),
              file.subarray(box.body, box.end),
            ])
          : undefined,
    );
    const after = await reducedBytes(source);
    expect(everyBox(treeOf(after)).some(({ type }) => type === 'free')).toBe(false);
    expect(after.length).toBe(plain.length + 8);
    const moov = treeOf(after).find(({ type }) => type === 'moov')!;
    expect(
      Buffer.concat([u32(moov.end - moov.at - 8), Buffer.from('moov'), after.subarray(moov.body)]),
    ).toEqual(partsOf(plain).moov);
  });

  it('goes in front of an mdat that runs to the end of the file', async () => {
    const { ftyp, media, moov } = partsOf(plain);
    const shift = PADDING.length + moov.length;
    const moved = rebuilt(moov, ({ type, body, end }, file) => {
      if (type !== 'stco') return undefined;
      const offsets: Buffer[] = [];
      for (let at = body + 8; at < end; at += 4) offsets.push(u32(file.readUInt32BE(at) + shift));
      return boxOf('stco', u32(0, offsets.length), ...offsets);
    });
    const open = Buffer.concat([u32(0), Buffer.from('mdat'), media]);
    const after = await reducedBytes(Buffer.concat([ftyp, PADDING, moved, open]));
    expect(after.subarray(after.length - open.length)).toEqual(open);
    expect(after.length).toBe(plain.length);
  });

  it('goes in front of a still picture, by the base of its item or by its extents', async () => {
    const ftyp = boxOf('ftyp', 'heic', u32(0), 'mif1heic');
    const media = Buffer.from('a picture in two pieces');
    const file = (padding: Buffer, base: number): Buffer => {
      const meta = (at: number): Buffer =>
        boxOf(
          'meta',
          u32(0),
          boxOf('hdlr', u32(0, 0), 'pict', u32(0, 0, 0), '\0'),
          boxOf(
            'iloc',
            u32(0x01000000),
            Buffer.from([0x44, 0x40, 0, 1, 0, 1, 0, 0, 0, 0]),
            u32(base * at),
            Buffer.from([0, 2]),
            u32(at - base * at, 9, at - base * at + 9, media.length - 9),
          ),
        );
      const at = ftyp.length + padding.length + meta(0).length + 8;
      return Buffer.concat([ftyp, padding, meta(at), boxOf('mdat', media)]);
    };
    for (const base of [0, 1])
      expect(await reducedBytes(file(PADDING, base))).toEqual(file(Buffer.alloc(0), base));
  });
});

describe('a file that cannot be proven to stay whole', () => {
  const cases: Record<string, (file: Buffer) => Buffer> = {
    'is cut off': (file) => file.subarray(0, file.length - 1),
    'is nothing of the kind': () => Buffer.from('neither pictures nor sound, only words'),
    'is empty': () => Buffer.alloc(0),
    'has two movies': (file) => Buffer.concat([file, partsOf(file).moov, PADDING]),
    'has samples in another file': (file) =>
      rebuilt(file, ({ type }) =>
        type === 'dref' ? boxOf('dref', u32(0, 1), boxOf('url ', u32(0), 'file:///x\0')) : undefined,
      ),
    'has samples outside of mdat': (file) => {
      const at = file.indexOf('mdat', 0, 'latin1');
      const out = Buffer.from(file);
      out.write('xdat', at, 'latin1');
      return out;
    },
    'has a chunk that reaches beyond mdat': (file) => {
      const out = Buffer.from(file);
      const stco = everyBox(treeOf(file)).find(({ type }) => type === 'stco')!;
      out.writeUInt32BE(partsOf(file).mediaAt + partsOf(file).media.length - 1, stco.body + 8);
      return out;
    },
    'has more samples than chunks hold': (file) => {
      const out = Buffer.from(file);
      const stsc = everyBox(treeOf(file)).find(({ type }) => type === 'stsc')!;
      out.writeUInt32BE(out.readUInt32BE(stsc.body + 12) + 1, stsc.body + 12);
      return out;
    },
    'has two tables of chunks': (file) => withAppended(file, 'stbl', boxOf('stco', u32(0, 0))),
    'has a box of unknown type with what may be an offset': (file) =>
      Buffer.concat([file, boxOf('zzzz', u32(partsOf(file).mediaAt))]),
    'has such a box, with the bytes the other way round': (file) =>
      Buffer.concat([file, boxOf('zzzz', Buffer.from(u32(partsOf(file).mediaAt)).reverse())]),
    'is a segment that is sealed': (file) =>
      Buffer.concat([file, boxOf('uuid', Buffer.from('e32e8b0a25ad4ca4b39d4d3463319e55', 'hex'), '{}')]),
    'has its movie in compressed form': (file) => withAppended(file, 'moov', boxOf('cmov', u32(0))),
    'has encryption data of another kind': (file) =>
      withAppended(
        withAppended(file, 'stbl', boxOf('saiz', u32(1), 'abcd', u32(0), Buffer.from([1]), u32(1))),
        'stbl',
        boxOf('saio', u32(1), 'abcd', u32(0, 1, 60)),
      ),
  };

  test.each(Object.entries(cases))('is refused when it %s', async (_, damage) => {
    const source = padded(plain, [{ at: partsOf(plain).ftyp.length, bytes: PADDING }]);
    expect(await reducedBytes(source)).toEqual(plain);
    await expect(reducedBytes(damage(source))).rejects.toMatchObject({ code: 'REDUCE_REFUSED' });
  });

  it('is not refused for text in a box of unknown type', async () => {
    const odd = Buffer.concat([plain, boxOf('zzzz', 'Made by a camera of no name.')]);
    const source = padded(odd, [{ at: partsOf(odd).ftyp.length, bytes: PADDING }]);
    expect(await reducedBytes(source)).toEqual(odd);
  });
});
