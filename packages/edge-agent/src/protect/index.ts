export * from './protections.js';
export type { ShareState } from './share-policy.js';
