export * from './access.js';
export type { PressureLimits } from './pressure-policy.js';
export * from './sftp-server.js';
