export * from './access.js';
export type { GateLimits } from './connection-gate.js';
export type { PressureLimits } from './pressure-policy.js';
export * from './sftp-server.js';
