import { z } from 'zod';
import { generation, requestId, transferId } from './agent-messages.js';
import { challenge, welcome } from './handshake.js';
import { MAX_ITEMS, MAX_SEGMENT_BYTES } from './limits.js';
import { ask } from './operations.js';
import {
  byteCount,
  byteRange,
  durationMs,
  epochMs,
  hostKeyFingerprint,
  lensName,
  segmentRef,
  sha256Hex,
  timeRange,
} from './values.js';

/** What central says: a handful of verbs with ids. Never a path or an address that the agent would act on unasked. */

export const statusAck = z.object({
  type: z.literal('status-ack'),
  sentAt: z.number(),
  nowMs: epochMs,
  /** Over how long the fleet is to spread its return when central closes its links. */
  spreadMs: durationMs.default(0),
});
export const catalogueAck = z.object({ type: z.literal('catalogue-ack'), throughSeq: byteCount });

/** What do you hold of this lens in this range? Answered newest first. */
export const list = z.object({ type: z.literal('list'), id: requestId, lens: lensName, range: timeRange });

/** Send these bytes of this segment. Lasts until the lease ends, unless progress renews it. */
export const fetchMessage = z.object({
  type: z.literal('fetch'),
  transfer: transferId,
  generation,
  leaseMs: durationMs,
  segment: segmentRef,
  /** Of the whole segment: the agent refuses if its file is another. */
  sha256: sha256Hex,
  bytes: z.array(byteRange).min(1).max(MAX_ITEMS),
});

/** Permission to write one artifact to one place, from `offset`: everything before it is sound. */
export const ticket = z.object({
  type: z.literal('ticket'),
  transfer: transferId,
  generation,
  /** Empty for the host of the link itself. */
  host: z.string().max(255),
  port: z.int().min(1).max(65_535),
  hostKeys: z.array(hostKeyFingerprint).min(1).max(8),
  user: z.string().max(64),
  path: z
    .string()
    .regex(/^\/?[A-Za-z0-9_-][A-Za-z0-9_./-]{0,198}$/)
    .refine((path) => !path.split('/').includes('..'), 'a path that leads upwards'),
  offset: byteCount,
  sizeBytes: z.int().min(1).max(MAX_SEGMENT_BYTES),
  expiresMs: epochMs,
});

/** Stop working on a transfer: done, cancelled or taken over. */
export const release = z.object({ type: z.literal('release'), transfer: transferId, generation });

/** These segments are verified and merged; the vehicle may evict them first. Sent again until acknowledged. */
export const receipt = z.object({
  type: z.literal('receipt'),
  through: byteCount,
  segments: z
    .array(segmentRef.extend({ sha256: sha256Hex }))
    .min(1)
    .max(MAX_ITEMS),
});

/** Live bytes taken in since the session began; the agent sends only a window beyond. */
export const liveAck = z.object({ type: z.literal('live-ack'), bytes: byteCount });

export const centralMessage = z.discriminatedUnion('type', [
  challenge,
  welcome,
  statusAck,
  catalogueAck,
  list,
  fetchMessage,
  ticket,
  release,
  receipt,
  ask,
  liveAck,
]);

export type CentralMessage = z.infer<typeof centralMessage>;
export type FetchMessage = z.infer<typeof fetchMessage>;
export type TicketMessage = z.infer<typeof ticket>;
export type ListMessage = z.infer<typeof list>;
