export * from './directory.js';
export * from './disk.js';
export * from './durable.js';
export * from './safe-path.js';
export * from './secret-file.js';
