import type { Routes } from '@gapless/shared/http';
import { instant } from '@gapless/shared/http';
import { segmentId } from '@gapless/shared/ids';
import { shareStates } from '@gapless/shared/protocol';
import type { EpochMs } from '@gapless/shared/time';
import { formatUtc } from '@gapless/shared/time';
import { z } from 'zod';
import type { ControlPort } from '../port.js';
import type { AgentFacts, LinkFacts, TransferFacts } from '../status.js';
import { shownRange } from '../values.js';

const lens = z.object({
  lens: z.string(),
  state: z.enum(['recording', 'no-signal', 'paused', 'stopped']),
  since: instant,
  detail: z.string().optional().describe('Why nothing is recorded'),
  live: z.enum(['push', 'off']),
  overwriteEta: instant
    .optional()
    .describe('When footage that central does not have will have to be evicted, as things go'),
  asOf: instant.describe('Nothing is known yet of what comes after this'),
  open: z
    .object({ id: z.string(), from: instant, to: instant, bytes: z.int() })
    .optional()
    .describe('The segment that is being written'),
});

const disk = z.object({
  dir: z.string(),
  usedBytes: z.int().describe('By recordings'),
  freeBytes: z.int().describe('On the file system'),
  maxBytes: z.int().optional(),
  minFreeBytes: z.int(),
  maxAgeMs: z.int().optional(),
  whenFull: z.enum(['evict-oldest', 'stop-recording']),
});

const protections = z.object({
  protectedBytes: z.int(),
  maxBytes: z.int().describe('Beyond this nothing more can be protected'),
  state: z.enum(shareStates).describe('near: from seven tenths on'),
});

const link = z.object({
  state: z.enum(['none', 'not-enrolled', 'connecting', 'open']).describe('none: no central is configured'),
  central: z.string().optional(),
  since: instant.optional(),
  error: z.object({ code: z.string(), message: z.string(), hint: z.string().optional() }).optional(),
  nextTryInMs: z.int().optional(),
});

const transfer = z.object({
  segment: z.string(),
  state: z.enum(['reading', 'offered', 'sending']),
  bytes: z.int().optional().describe('Of all that is to be sent; absent until it is known'),
  sentBytes: z.int(),
});

export const statusReply = z.object({
  vehicle: z.string(),
  version: z.string(),
  now: instant,
  started: instant,
  lenses: z.array(lens),
  disk,
  protections,
  link,
  catalogue: z.object({
    changes: z.int().describe('Number of the newest change'),
    told: z.int().optional().describe('Central knows up to this one'),
  }),
  transfers: z.array(transfer),
});

export type StatusReply = z.infer<typeof statusReply>;

export function statusRoutes(routes: Routes, port: ControlPort): void {
  routes.get(
    '/status',
    { schema: { summary: 'What the agent is doing', response: { 200: statusReply } } },
    async (): Promise<StatusReply> => shown(await port.status(), port.clock.nowMs()),
  );
}

function shown(facts: AgentFacts, nowMs: EpochMs): StatusReply {
  const { vehicle, version, startedMs, disk: storage, catalogue } = facts;
  const { share: state, ...share } = facts.protections;
  const { maxBytes, maxAgeMs, ...limits } = storage;
  return {
    ...{ vehicle, version, now: formatUtc(nowMs), started: formatUtc(startedMs) },
    lenses: facts.lenses.map(shownLens),
    disk: {
      ...limits,
      ...(maxBytes === undefined ? {} : { maxBytes }),
      ...(maxAgeMs === undefined ? {} : { maxAgeMs }),
    },
    protections: { ...share, state },
    link: shownLink(facts.link, nowMs),
    catalogue: {
      changes: catalogue.changeSeq,
      ...(catalogue.toldSeq === undefined ? {} : { told: catalogue.toldSeq }),
    },
    transfers: facts.transfers.map(shownTransfer),
  };
}

function shownLens(one: AgentFacts['lenses'][number]): z.infer<typeof lens> {
  const { lens: name, state, sinceMs, detail, live, asOfMs, open, openBytes, overwriteEtaMs } = one;
  return {
    ...{ lens: name, state, since: formatUtc(sinceMs), live, asOf: formatUtc(asOfMs) },
    ...(detail === undefined ? {} : { detail }),
    ...(overwriteEtaMs === undefined ? {} : { overwriteEta: formatUtc(overwriteEtaMs) }),
    ...(open
      ? { open: { id: segmentId({ lens: name, ...open }), ...shownRange(open), bytes: openBytes } }
      : {}),
  };
}

function shownLink(facts: LinkFacts | undefined, nowMs: EpochMs): z.infer<typeof link> {
  if (!facts) return { state: 'none' };
  const { url: central, isEnrolled, isOpen, lastedMs, nextDialInMs, lastError } = facts;
  if (!isEnrolled) return { state: 'not-enrolled', central };
  const since = lastedMs === undefined ? {} : { since: formatUtc(nowMs - Math.round(lastedMs)) };
  if (isOpen) return { state: 'open', central, ...since };
  return {
    ...{ state: 'connecting' as const, central, ...since },
    ...(lastError ? { error: shownError(lastError) } : {}),
    ...(nextDialInMs === undefined ? {} : { nextTryInMs: Math.round(nextDialInMs) }),
  };
}

function shownError({ code, message, hint }: NonNullable<LinkFacts['lastError']>) {
  return { code, message, ...(hint === undefined ? {} : { hint }) };
}

function shownTransfer({ segment, state, sizeBytes, ackedBytes }: TransferFacts): z.infer<typeof transfer> {
  return {
    ...{ segment: segmentId(segment), state, sentBytes: ackedBytes },
    ...(sizeBytes === undefined ? {} : { bytes: sizeBytes }),
  };
}
