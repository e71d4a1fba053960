export * from './merger.js';
export * from './place-artifact.js';
