export * from './clock.js';
export * from './epoch.js';
export * from './format.js';
export * from './parse-time.js';
export type { WallTime } from './parse-time-zone.js';
export { asUtcMs, firstInstantFrom, instantsOf } from './parse-time-zone.js';
export * from './simulated-clock.js';
export * from './system-clock.js';
