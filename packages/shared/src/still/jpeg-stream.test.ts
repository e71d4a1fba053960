import { beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../../../fixtures/media/index.js';
import { jpegSize, JpegStream } from './jpeg-stream.js';

describe(JpegStream, () => {
  let pictures: Buffer;
  let sizes: readonly number[];
  beforeAll(async () => {
    const source = ['-f', 'lavfi', '-i', 'testsrc2=s=160x90,noise=alls=40:allf=t', '-frames:v', '5'];
    const jpegs = (...options: string[]): Promise<Buffer> =>
      run('ffmpeg', [
        ...source,
        '-pix_fmt',
        'yuvj420p',
        '-c:v',
        'mjpeg',
        '-f',
        'image2pipe',
        ...options,
        '-',
      ]);
    // With restart marks, as slices bring them, and without.
    pictures = Buffer.concat([
      await jpegs('-threads', '2', '-thread_type', 'slice'),
      await jpegs('-threads', '1'),
    ]);
    sizes = new JpegStream().push(pictures).map(({ length }) => length);
  });

  it('tells all of them apart', () => {
    expect(sizes).toHaveLength(10);
    expect(sizes.reduce((sum, size) => sum + size)).toBe(pictures.length);
    for (const jpeg of new JpegStream().push(pictures)) {
      expect(jpegSize(jpeg)).toEqual({ width: 160, height: 90 });
      expect(Buffer.from(jpeg.subarray(-2)).toString('hex')).toBe('ffd9');
    }
  });

  it.each([1, 2, 7, 4_096])('does so whatever pieces they come in: %i bytes', (pieceBytes) => {
    const stream = new JpegStream();
    const found: number[] = [];
    const some = pictures.subarray(0, sizes[0]! + sizes[1]!);
    for (let at = 0; at < some.length; at += pieceBytes)
      for (const { length } of stream.push(some.subarray(at, at + pieceBytes))) found.push(length);
    expect(found).toEqual(sizes.slice(0, 2));
  });

  it('hands a picture over with its last byte', () => {
    const stream = new JpegStream();
    expect(stream.push(pictures.subarray(0, sizes[0]! - 1))).toEqual([]);
    expect(stream.push(pictures.subarray(sizes[0]! - 1, sizes[0]))).toHaveLength(1);
  });

  it('is not fooled by the end mark inside a table', () => {
    const comment = Buffer.from('fffe0006ffd9ffd8', 'hex');
    const one = Buffer.concat([pictures.subarray(0, 2), comment, pictures.subarray(2, sizes[0])]);
    expect(new JpegStream().push(one)).toHaveLength(1);
  });

  it('refuses what is no JPEG', () => {
    expect(() => new JpegStream().push(Buffer.from('hello'))).toThrow('something else than JPEG');
  });
});
