import { AppError } from '@gapless/shared/errors';
import type { FieldError, TimePort } from '@gapless/shared/http';
import { invalidField, rangeOf, window } from '@gapless/shared/http';
import { parseSegmentId } from '@gapless/shared/ids';
import type { Selection } from '@gapless/shared/protocol';
import { HOUR_MS } from '@gapless/shared/time';
import { z } from 'zod';
import { lens, timeZone } from './values.js';

/** What an operation is about, as it is written in a query or a body: a lens and a window, or a segment. */
export const selectionFields = window.extend({
  lens: lens.optional(),
  segment: z.string().max(120).optional().describe('In place of "lens": a segment, by its id'),
});

/** @throws ARGUMENT_INVALID unless one of the two is named, and for a window that is none */
export function selectionOf(
  port: Pick<TimePort, 'clock'>,
  typed: z.infer<typeof selectionFields>,
  place: FieldError['in'],
): Selection {
  const { lens: wanted, segment, from, to } = typed;
  if ((wanted === undefined) === (segment === undefined))
    throw new AppError('ARGUMENT_INVALID', 'this is about a lens or about a segment: name one of the two');
  if (segment !== undefined) return { segment: parseSegmentId(segment) };
  if (from === undefined) throw invalidField(place, '/from', 'a range of a lens needs it');
  const range = rangeOf({ ...port, timeZone }, { from, to, in: place, pointer: '' }, HOUR_MS);
  return { lens: wanted!, range };
}
