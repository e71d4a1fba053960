export * from './inbox.js';
export * from './live-receiver.js';
export * from './upload-endpoint.js';
