export * from './catalogue-feed.js';
export * from './enrol.js';
export * from './identity.js';
export * from './keys.js';
export * from './link-client.js';
export * from './link-session.js';
export * from './link-socket.js';
export * from './redeem-claim.js';
