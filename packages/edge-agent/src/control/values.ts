import type { Range } from '@gapless/shared/interval';
import { isName, parseLensName } from '@gapless/shared/ids';
import { formatUtc } from '@gapless/shared/time';
import { z } from 'zod';

/** The box is everywhere in the world; times without a zone are in UTC. */
export const timeZone = 'UTC';

export const lens = z
  .string()
  .refine(isName, 'not a name of a lens')
  .transform((name) => parseLensName(name));

/** A range as a reply has it. */
export function shownRange({ startMs, endMs }: Range): { from: string; to: string } {
  return { from: formatUtc(startMs), to: formatUtc(endMs) };
}
