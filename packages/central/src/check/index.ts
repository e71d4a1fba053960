export * from './check.js';
export * from './finding.js';
export * from './repair.js';
export * from './stored-file.js';
