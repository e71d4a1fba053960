export * from './apply-changes.js';
export * from './coarsen.js';
export * from './losses.js';
export * from './states.js';
export * from './timeline.js';
