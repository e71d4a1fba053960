import type { LensName, SegmentRef } from '@gapless/shared/ids';
import type { Range } from '@gapless/shared/interval';
import { epochMs, label, lensName, segmentRef, timeRange } from '@gapless/shared/protocol';
import { z } from 'zod';

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

export const listInput = z.object({ lens: lensName.optional(), range: timeRange.optional() });

export type Selection = { readonly lens: LensName; readonly range: Range } | { readonly segment: SegmentRef };
export type ProtectInput = z.infer<typeof protectInput>;
export type UnprotectInput = z.infer<typeof unprotectInput>;
export type ListInput = z.infer<typeof listInput>;
