export * from './partition.js';
export * from './range.js';
export * from './range-set.js';
