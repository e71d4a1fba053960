export * from './key-pair.js';
export * from './public-key.js';
