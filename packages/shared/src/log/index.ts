export * from './flood.js';
export * from './log.js';
