export * from './extent.js';
export * from './extent-list.js';
export * from './extent-source.js';
export * from './movie-extents.js';
export * from './video.js';
