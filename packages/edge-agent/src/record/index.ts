export * from './ffmpeg-process.js';
export * from './lens-recorder.js';
export * from './recover.js';
export * from './recording-gate.js';
