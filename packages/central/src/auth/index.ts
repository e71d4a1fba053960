export * from './central-keys.js';
export * from './enrolment.js';
export * from './media-links.js';
export * from './tokens.js';
export * from './authorized-keys.js';
