import { run } from '../../fixtures/media/index.js';

/** A picture in shades of grey, row by row. */
export interface GreyPicture {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

const GREY = ['-pix_fmt', 'gray', '-f', 'rawvideo', '-'];

/** What a JPEG shows. */
export async function greyOf(jpeg: Uint8Array): Promise<GreyPicture> {
  const size = ['-select_streams', 'v', '-show_entries', 'stream=width,height', '-of', 'csv=p=0'];
  const [width, height] = (await run('ffprobe', ['-f', 'mjpeg', ...size, '-'], jpeg)).toString().split(',');
  const pixels = await run('ffmpeg', ['-f', 'mjpeg', '-i', '-', ...GREY], jpeg);
  return { width: Number(width), height: Number(height), pixels };
}

/**
 * The pictures that ffmpeg itself shows of a file, in the order in which they are shown.
 *
 * @param size of all of them, in pixels
 */
export async function shownPictures(
  path: string,
  size: { readonly width: number; readonly height: number },
): Promise<Uint8Array[]> {
  const scale = `scale=${size.width}:${size.height}`;
  const bytes = await run('ffmpeg', [
    '-i',
    path,
    '-map',
    '0:v:0',
    '-fps_mode',
    'passthrough',
    '-vf',
    scale,
    ...GREY,
  ]);
  const pictureBytes = size.width * size.height;
  const pictures: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += pictureBytes)
    pictures.push(bytes.subarray(at, at + pictureBytes));
  return pictures;
}

/** Peak signal-to-noise ratio in dB: above 30 an eye sees no difference. */
export function likeness(one: Uint8Array, other: Uint8Array): number {
  if (one.length !== other.length) return 0;
  let squares = 0;
  for (let i = 0; i < one.length; i++) squares += (one[i]! - other[i]!) ** 2;
  return 10 * Math.log10(255 ** 2 / (squares / one.length));
}

/** Which of `pictures` is most like `one`. */
export function mostLike(one: Uint8Array, pictures: readonly Uint8Array[]): { index: number; db: number } {
  return pictures
    .map((picture, index) => ({ index, db: likeness(one, picture) }))
    .reduce((best, next) => (next.db > best.db ? next : best));
}
