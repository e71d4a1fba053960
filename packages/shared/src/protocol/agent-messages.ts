import { z } from 'zod';
import { absenceRow, change, segmentRow, tombstoneRow } from './catalogue.js';
import { hello } from './handshake.js';
import { MAX_CHANGES, MAX_HELD_SEGMENTS, MAX_LENSES } from './limits.js';
import { manifest } from './manifest.js';
import { answer } from './operations.js';
import { byteCount, epochMs, label, lensName, runId } from './values.js';

/** What the agent says. Ids that central made come back as they were; they are bounded, not believed. */

export const transferId = z.string().regex(/^xfer_[0-9a-z]{26}$/);
export const requestId = z.string().regex(/^req_[0-9a-z]{26}$/);
export const generation = z.int().min(1);

/** The segment that is being written: what the vehicle holds beyond the last closed one. */
const openSegment = z.object({ run: runId, seq: z.int().min(0), startMs: epochMs, endMs: epochMs });

const lensStatus = z.object({
  lens: lensName,
  /** `paused`: the agent runs and does not record, because there is no room for footage. */
  state: z.enum(['recording', 'no-signal', 'paused', 'stopped']),
  /** Why nothing is recorded, in one sentence. */
  detail: label.optional(),
  live: z.enum(['push', 'off']),
  asOfMs: epochMs,
  open: openSegment.optional(),
  /** When footage that central does not have will have to be evicted, as things go now; absent when none will be. */
  overwriteEtaMs: epochMs.optional(),
});

/**
 * The heartbeat. What it says of a lens, together with the catalogue up to `changeSeq`, is everything up to the lens's
 * `asOfMs`: for one that is recording the end of the newest fragment, for others the present.
 */
export const status = z.object({
  type: z.literal('status'),
  changeSeq: byteCount,
  /** Echoed by the acknowledgement, for the round trip; the agent's monotonic clock. */
  sentAt: z.number(),
  lenses: z.array(lensStatus).max(MAX_LENSES),
  storage: z.object({ usedBytes: byteCount, freeBytes: byteCount }),
});

export const catalogueMessage = z.object({
  type: z.literal('catalogue'),
  afterSeq: byteCount,
  throughSeq: byteCount,
  /** No further change was known when this was made. */
  complete: z.boolean(),
  changes: z.array(change).max(MAX_CHANGES),
});

/** The answer to `list`, newest first. */
export const held = z.object({
  type: z.literal('held'),
  id: requestId,
  lens: lensName,
  segments: z.array(segmentRow).max(MAX_HELD_SEGMENTS),
  tombstones: z.array(tombstoneRow).max(MAX_HELD_SEGMENTS),
  absences: z.array(absenceRow).max(MAX_HELD_SEGMENTS),
  /** Ask again for what lies before this instant; absent when this is everything. */
  moreBeforeMs: epochMs.optional(),
});

export const offer = z.object({ type: z.literal('offer'), transfer: transferId, generation, manifest });
export const progress = z.object({
  type: z.literal('progress'),
  transfer: transferId,
  generation,
  ackedBytes: byteCount,
});
export const uploaded = z.object({ type: z.literal('uploaded'), transfer: transferId, generation });
export const failed = z.object({
  type: z.literal('failed'),
  transfer: transferId,
  generation,
  /** `gone`: the vehicle no longer holds it; `corrupt`: its file no longer has its hash. */
  outcome: z.enum(['gone', 'corrupt', 'retry']),
  code: label,
  message: label,
});
export const receiptAck = z.object({ type: z.literal('receipt-ack'), through: byteCount });
/** An orderly end: what follows is not an outage. */
export const goodbye = z.object({
  type: z.literal('goodbye'),
  reason: z.enum(['stopping', 'reconfiguring']),
});

export const agentMessage = z.discriminatedUnion('type', [
  hello,
  status,
  catalogueMessage,
  held,
  offer,
  progress,
  uploaded,
  failed,
  receiptAck,
  answer,
  goodbye,
]);

export type AgentMessage = z.infer<typeof agentMessage>;
export type StatusMessage = z.infer<typeof status>;
export type LensStatus = z.infer<typeof lensStatus>;
export type CatalogueMessage = z.infer<typeof catalogueMessage>;
export type HeldMessage = z.infer<typeof held>;
