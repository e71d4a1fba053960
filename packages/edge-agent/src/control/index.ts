export * from './control-server.js';
export * from './port.js';
export type { SegmentsReply } from './routes/segments.js';
export { controlPath } from './socket.js';
