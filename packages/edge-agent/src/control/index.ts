export * from './control-server.js';
export * from './port.js';
export type { ProtectionsReply } from './routes/protections.js';
export type { ReloadReply } from './routes/reload.js';
export type { RemoveReply } from './routes/remove.js';
export type { SegmentsReply } from './routes/segments.js';
export type { StatusReply } from './routes/status.js';
export { controlPath } from './socket.js';
export type { AgentFacts } from './status.js';
