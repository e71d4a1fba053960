export * from './gaps-plan.js';
export * from './get-segments.js';
