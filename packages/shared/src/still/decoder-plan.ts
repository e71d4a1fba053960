/** How a picture is wanted. */
export interface PictureLook {
  /** Pixels; a narrower picture is left as it is. `undefined`: as the camera made it. */
  readonly width: number | undefined;
  /** 1 to 100, as JPEG programs commonly count it. */
  readonly quality: number;
}

export const DEFAULT_QUALITY = 85;

/** Pictures with more are not decoded: 8K, and some. */
const MAX_PIXELS = 40_000_000;

/**
 * How ffmpeg is told to make JPEGs of the sync samples that come on its standard input, each as soon as it has come.
 *
 * Nothing is probed, which would mean decoding the first picture twice; decoder and encoder use no threads that hold pictures back; a
 * damaged picture ends it, because half a picture that looks whole would be a lie.
 */
export function decoderArguments({ width, quality }: PictureLook): string[] {
  const shown = width === undefined ? 'iw*sar' : `min(${width}\\,iw*sar)`;
  return [
    ...['-hide_banner', '-nostats', '-loglevel', 'error', '-xerror'],
    ...['-nofind_stream_info', '-threads', '1', '-max_pixels', String(MAX_PIXELS)],
    ...['-f', 'mp4', '-i', 'pipe:0'],
    ...['-map', '0:v:0', '-fps_mode', 'passthrough'],
    // Square pixels; JPEG has them in full range.
    ...['-vf', `scale=w=round(${shown}):h=round(ow/dar):out_range=pc,setsar=1`, '-pix_fmt', 'yuvj420p'],
    ...['-c:v', 'mjpeg', '-q:v', String(quantiserOf(quality)), '-huffman', 'default'],
    ...['-threads', '2', '-thread_type', 'slice'],
    ...['-f', 'image2pipe', '-flush_packets', '1', 'pipe:1'],
  ];
}

/**
 * ffmpeg's quantiser for a quality: 2 is the finest, 31 the coarsest. The tables that JPEG programs scale by
 * (200 - 2 q) %, and by 5000 / q % below 50, are on average about as coarse as those of ffmpeg at 17.
 */
function quantiserOf(quality: number): number {
  const scale = quality < 50 ? 50 / quality : 2 - quality / 50;
  return Math.min(31, Math.max(2, Math.round(17 * scale)));
}
