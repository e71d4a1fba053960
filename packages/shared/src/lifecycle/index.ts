export * from './backoff.js';
export * from './connection-gate.js';
export * from './disposal.js';
export * from './every.js';
export * from './retry.js';
export * from './serial.js';
export * from './step.js';
export * from './system-random.js';
