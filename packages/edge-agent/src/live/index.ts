export * from './live-lane.js';
