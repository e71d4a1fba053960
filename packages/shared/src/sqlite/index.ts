export * from './commits.js';
export * from './group-commit.js';
export * from './open.js';
export * from './process-lock.js';
export * from './schema.js';
export * from './snapshot-commit.js';
export * from './statements.js';
