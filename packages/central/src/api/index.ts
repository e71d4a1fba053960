export type { ApiPort } from './port.js';
export * from './server.js';
export * from './listen.js';
