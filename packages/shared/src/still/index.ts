export { DEFAULT_QUALITY } from './decoder-plan.js';
export type { PictureLook } from './decoder-plan.js';
export * from './exif.js';
export { startDecoder } from './ffmpeg-process.js';
export type { DecoderEnd, DecoderProcess, StartDecoder } from './ffmpeg-process.js';
export { jpegSize } from './jpeg-stream.js';
export type { DecoderPort } from './picture-decoder.js';
export * from './picture-decoders.js';
