export * from './gaps-plan.js';
export * from './get-segments.js';
export * from './held-answer.js';
