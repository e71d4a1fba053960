export * from './inputs.js';
export * from './protections.js';
