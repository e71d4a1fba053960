export * from './take-snapshot.js';
