export * from './names.js';
export * from './random.js';
export * from './recording.js';
export * from './segment-name.js';
export * from './sortable.js';
