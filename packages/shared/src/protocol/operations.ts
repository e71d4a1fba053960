import { z } from 'zod';
import { MAX_ITEMS } from './limits.js';
import { byteCount, epochMs, label, lensName, segmentRef, timeRange } from './values.js';

/**
 * Operations on the vehicle, which central asks for over the link and commands on the box over the agent's socket. Each
 * has one definition of what goes in and what comes out.
 */

/** What an operation is about: a range of a lens, or one segment, which stands for its extent. */
export const selection = z.union([
  z.object({ lens: lensName, range: timeRange }),
  z.object({ segment: segmentRef }),
]);

/** Who protects: a person, a case, a system. Pins of different holders add up. */
export const holder = label.min(1).max(64);

export const protectInput = z.object({
  selection,
  holder,
  reason: label.min(1),
  /** The pin ends by itself at this instant; absent: when it is taken back. */
  expiresMs: epochMs.optional(),
});

export const unprotectInput = z.object({ selection, holder });

export const protectionsInput = z.object({ lens: lensName.optional(), range: timeRange.optional() });

export const removeInput = z.object({
  selection,
  /** Protection and transfers are no obstacle. Only for an administrator. */
  force: z.boolean().default(false),
  /** Nothing is removed, and the answer is what would be. */
  dryRun: z.boolean().default(false),
});

/** Pins in one answer: with the longest reasons, half of what a message may have. */
export const MAX_PINS = 500;

/** How near the protected footage is to what may be protected; people are warned at `near`. */
export const shareStates = ['ample', 'near', 'full'] as const;

const pin = z.object({
  lens: lensName,
  startMs: epochMs,
  endMs: epochMs,
  holder,
  reason: label,
  madeMs: epochMs,
  expiresMs: epochMs.optional(),
});

const protections = z.object({
  /** Pins in force, by lens, start and holder. */
  pins: z.array(pin).max(MAX_PINS),
  /** Whether there are more than these. */
  more: z.boolean(),
  /** Bytes of all segments that any pin overlaps. */
  protectedBytes: byteCount,
  /** Beyond this a new pin is refused. */
  maxBytes: byteCount,
  share: z.enum(shareStates),
});

const removal = z.object({
  segments: byteCount,
  bytes: byteCount,
  /** How many of the segments central has no proof of. */
  unreceipted: byteCount,
  /** What they covered, the first so many stretches of it. */
  ranges: z.array(timeRange).max(MAX_ITEMS),
});

/** All operations that central may ask for, by name. */
export const operations = {
  protect: { input: protectInput, output: protections },
  unprotect: { input: unprotectInput, output: protections },
  protections: { input: protectionsInput, output: protections },
  remove: { input: removeInput, output: removal },
} as const;

export type OperationName = keyof typeof operations;
/** As it is asked for: what has a default may be left out. */
export type OperationInput<Name extends OperationName> = z.input<(typeof operations)[Name]['input']>;
export type OperationOutput<Name extends OperationName> = z.output<(typeof operations)[Name]['output']>;

export type Selection = z.infer<typeof selection>;
export type ProtectInput = z.infer<typeof protectInput>;
export type UnprotectInput = z.infer<typeof unprotectInput>;
export type ListInput = z.infer<typeof protectionsInput>;
export type RemoveInput = z.input<typeof removeInput>;
export type Protection = z.infer<typeof pin>;

export function isOperation(name: string): name is OperationName {
  return Object.hasOwn(operations, name);
}

const askId = z.string().regex(/^ask_[0-9a-z]{26}$/);

/**
 * Central asks for an operation. What goes in is looked at when the operation is known, so that an agent that does not
 * know it can say so.
 */
export const ask = z.object({
  type: z.literal('ask'),
  id: askId,
  operation: z.string().max(32),
  input: z.unknown(),
});

/** The answer to an `ask`: what came out, or why nothing did. */
export const answer = z.object({
  type: z.literal('answer'),
  id: askId,
  output: z.unknown().optional(),
  error: z.object({ code: z.string().max(64), message: label, hint: label.optional() }).optional(),
});

export type AskMessage = z.infer<typeof ask>;
export type AnswerMessage = z.infer<typeof answer>;
