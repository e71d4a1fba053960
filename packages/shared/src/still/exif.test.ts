import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../../../fixtures/media/index.js';
import { withExif } from './exif.js';
import { jpegSize } from './jpeg-stream.js';

const atMs = Date.UTC(2026, 7, 22, 16, 57, 28, 123);
const description = 'bus-042/front';

describe(withExif, () => {
  let bare: Buffer;
  let noted: Uint8Array;
  beforeAll(async () => {
    const picture = ['-f', 'lavfi', '-i', 'testsrc2=s=162x90', '-frames:v', '1', '-pix_fmt', 'yuvj420p'];
    bare = await run('ffmpeg', [...picture, '-f', 'image2pipe', '-c:v', 'mjpeg', '-']);
    noted = withExif(bare, { atMs, description });
  });

  it('is read by ffprobe', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'gapless-exif-'));
    try {
      const path = join(dir, 'picture.jpg');
      await writeFile(path, noted);
      const json = await run('ffprobe', ['-show_frames', '-of', 'json', path]);
      const { frames } = JSON.parse(json.toString()) as { frames: { tags: Record<string, string> }[] };
      // This ffprobe has names for fewer tags than there are; the others have their numbers.
      expect(frames[0]!.tags).toMatchObject({
        ImageDescription: description,
        Software: 'Gapless',
        DateTimeOriginal: '2026:08:22 16:57:28',
      });
      expect(Object.values(frames[0]!.tags)).toEqual(expect.arrayContaining(['123', '+00:00']));
    } finally {
      await rm(dir, { recursive: true });
    }
  });

  it('has every field where its directory says, in ascending order', () => {
    expect(fieldsOf(noted)).toEqual({
      0x010e: description,
      0x0131: 'Gapless',
      0x8769: expect.any(Number) as number,
      0x9000: '0232',
      0x9003: '2026:08:22 16:57:28',
      0x9011: '+00:00',
      0x9291: '123',
      0xa002: 162,
      0xa003: 90,
    });
  });

  it('leaves the picture as it is', () => {
    expect(jpegSize(bare)).toEqual({ width: 162, height: 90 });
    const exifBytes = noted.length - bare.length;
    expect(Buffer.from(noted.subarray(0, 2)).equals(bare.subarray(0, 2))).toBe(true);
    expect(Buffer.from(noted.subarray(2 + exifBytes)).equals(bare.subarray(2))).toBe(true);
  });
});

/** Reads the fields as TIFF 6.0 says, with a reader that knows nothing of the writer. */
function fieldsOf(jpeg: Uint8Array): Record<number, string | number> {
  const file = Buffer.from(jpeg);
  expect(file.readUInt32BE(0)).toBe(0xffd8ffe1);
  expect(file.toString('latin1', 6, 12)).toBe('Exif\0\0');
  const tiff = file.subarray(12, 4 + file.readUInt16BE(4));
  expect(tiff.toString('latin1', 0, 2)).toBe('MM');
  const fields: Record<number, string | number> = {};
  const visit = (at: number): void => {
    let before = 0;
    for (let i = 0; i < tiff.readUInt16BE(at); i++) {
      const row = at + 2 + 12 * i;
      const [tag, type, count] = [
        tiff.readUInt16BE(row),
        tiff.readUInt16BE(row + 2),
        tiff.readUInt32BE(row + 4),
      ];
      expect(tag).toBeGreaterThan(before);
      before = tag;
      const isText = type === 2 || type === 7;
      const valueAt = isText && count > 4 ? tiff.readUInt32BE(row + 8) : row + 8;
      expect(valueAt % 2).toBe(0);
      fields[tag] = isText
        ? tiff.toString('latin1', valueAt, valueAt + count).replace(/\0$/, '')
        : tiff.readUInt32BE(valueAt);
      if (tag === 0x8769) visit(tiff.readUInt32BE(valueAt));
    }
  };
  visit(tiff.readUInt32BE(4));
  return fields;
}
