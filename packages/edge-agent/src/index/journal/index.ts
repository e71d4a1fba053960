export * from './entry.js';
export * from './journal.js';
export * from './keep-journal.js';
export * from './protections-file.js';
export * from './read-journal.js';
