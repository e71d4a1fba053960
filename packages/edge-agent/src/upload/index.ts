export type { DialTiming } from './dial-policy.js';
export type { SftpEndpoint } from './endpoint.js';
export { endpointOf } from './endpoint.js';
export type { Dial } from './tcp-dial.js';
export type { SessionEvents } from './upload-session.js';
export * from './uploader.js';
