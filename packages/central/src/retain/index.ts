export * from './retention.js';
export type { RetentionBounds } from './retention-policy.js';
