export * from './forgetting-policy.js';
export * from './free-space.js';
export * from './remove.js';
export * from './storage-keeper.js';
