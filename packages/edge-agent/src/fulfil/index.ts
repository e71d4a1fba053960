export * from './operations.js';
export * from './session-worker.js';
export * from './transfers.js';
