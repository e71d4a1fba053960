export type { SourcesPort } from './sources.js';
export type { Source, UploadPlan, UploadRequest } from './request.js';
export { MAX_ITEMS, OVERWRITE } from './request.js';
export type { ItemStatus, UploadEvent, UploadStatus } from './status.js';
export * from './uploads.js';
