export * from './clip-gaps.js';
export * from './extract-clip.js';
export * from './segment-use.js';
