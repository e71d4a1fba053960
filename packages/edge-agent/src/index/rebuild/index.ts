export * from './compare.js';
export * from './rebuild.js';
export * from './run-order-plan.js';
