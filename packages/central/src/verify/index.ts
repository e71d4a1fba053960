export * from './prove-segment.js';
