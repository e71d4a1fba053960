export * from './reload-plan.js';
