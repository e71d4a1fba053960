export * from './growing-policy.js';
export * from './playlist.js';
export * from './stored-media.js';
export * from './video.js';
export * from './video-cache.js';
