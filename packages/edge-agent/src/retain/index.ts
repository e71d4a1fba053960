export * from './forgetting-policy.js';
export * from './free-space.js';
export * from './remove.js';
export type { EvictionTotals } from './retention.js';
export * from './storage-keeper.js';
