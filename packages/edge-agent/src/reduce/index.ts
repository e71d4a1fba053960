export * from './camera-position.js';
export * from './camera-track.js';
export * from './gpx.js';
export * from './reduced-artifact.js';
export * from './write-file.js';
