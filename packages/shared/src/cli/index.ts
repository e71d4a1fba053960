export * from './cli-io.js';
export * from './cli-output.js';
export * from './confirm.js';
export * from './error-text.js';
export * from './progress.js';
export * from './run-cli.js';
export * from './run-process.js';
export * from './table.js';
