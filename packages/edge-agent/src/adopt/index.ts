export * from './adopted-lens.js';
export * from './adopted-lenses.js';
export * from './adopted-run.js';
export * from './directory-watch.js';
export * from './measure.js';
export * from './name-pattern-policy.js';
export * from './source-reader.js';
