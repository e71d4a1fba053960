import { instant } from '@gapless/shared/http';
import { formatUtc } from '@gapless/shared/time';
import { z } from 'zod';
import type { ItemStatus, UploadEvent, UploadStatus } from '../deliver/index.js';

const reason = z.object({ code: z.string(), message: z.string(), hint: z.string().optional() });

const item = z.object({
  item: z.int().describe('Its place in the upload, from 0'),
  name: z.string(),
  state: z.enum(['queued', 'hashing', 'sending', 'proving', 'retrying', 'verified', 'failed', 'cancelled']),
  path: z.string().optional().describe('Where it goes, or lies, on the server'),
  bytes: z.int().optional(),
  doneBytes: z.int().describe('In its present state: hashed, acknowledged or read back'),
  resumedBytes: z.int().optional().describe('What the server had already; told while it goes on'),
  savedBytes: z.int().optional().describe('Padding that was left out'),
  sha256: z.string().optional(),
  rateBytesPerSec: z.int().optional(),
  reason: reason.optional().describe('Why it failed, or is tried again'),
  retryInMs: z.number().optional(),
});

const upload = z.object({
  id: z.string(),
  state: z.enum(['queued', 'running', 'paused', 'done', 'failed', 'cancelled']),
  made: instant,
  ended: instant.optional(),
  destination: z.string(),
  reason: reason.optional().describe('Why nothing goes on'),
});

export const uploadReply = upload.extend({ items: z.array(item) });
export const uploadsReply = z.object({ uploads: z.array(uploadReply) });

export type UploadReply = z.infer<typeof uploadReply>;
export type UploadsReply = z.infer<typeof uploadsReply>;

/** One line of the events of an upload. */
export type UploadEventLine =
  | ({ readonly event: 'item'; readonly at: string } & z.infer<typeof item>)
  | ({ readonly event: 'upload'; readonly at: string } & z.infer<typeof upload>);

export function shownUpload(status: UploadStatus): UploadReply {
  return { ...shownHead(status), items: status.items.map(shownItem) };
}

export function shownEvent(event: UploadEvent): UploadEventLine {
  const at = formatUtc(event.atMs);
  return event.type === 'item'
    ? { event: 'item', at, ...shownItem(event) }
    : { event: 'upload', at, ...shownHead(event) };
}

function shownHead(status: Omit<UploadStatus, 'items'>): z.infer<typeof upload> {
  const { id, state, madeMs, endedMs, url, reason: why } = status;
  return {
    ...{ id, state, made: formatUtc(madeMs), destination: url },
    ...(endedMs === undefined ? {} : { ended: formatUtc(endedMs) }),
    ...(why ? { reason: { ...why } } : {}),
  };
}

function shownItem(status: ItemStatus): z.infer<typeof item> {
  const { seq, name, state, path, sizeBytes, doneBytes, resumedBytes, savedBytes, sha256 } = status;
  const { rateBytesPerSec, reason: why, retryInMs } = status;
  return {
    ...{ item: seq, name, state, doneBytes },
    ...(resumedBytes === undefined ? {} : { resumedBytes }),
    ...(path === undefined ? {} : { path }),
    ...(sizeBytes === undefined ? {} : { bytes: sizeBytes }),
    ...(savedBytes === undefined ? {} : { savedBytes }),
    ...(sha256 === undefined ? {} : { sha256 }),
    ...(rateBytesPerSec === undefined ? {} : { rateBytesPerSec }),
    ...(why ? { reason: { ...why } } : {}),
    ...(retryInMs === undefined ? {} : { retryInMs }),
  };
}
