export * from './session-worker.js';
export * from './transfers.js';
