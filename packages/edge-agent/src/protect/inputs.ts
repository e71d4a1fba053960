import { epochMs, label, lensName, timeRange } from '@gapless/shared/protocol';
import { z } from 'zod';
import { selection } from '../index/selection.js';

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

export const listInput = z.object({ lens: lensName.optional(), range: timeRange.optional() });

export type ProtectInput = z.infer<typeof protectInput>;
export type UnprotectInput = z.infer<typeof unprotectInput>;
export type ListInput = z.infer<typeof listInput>;
