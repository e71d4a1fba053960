export * from './completion.js';
export type { Reply } from './replies.js';
export * from './transfer-attempt.js';
export * from './vehicle-work-port.js';
