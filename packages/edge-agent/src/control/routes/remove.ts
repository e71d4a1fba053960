import type { Routes } from '@gapless/shared/http';
import { instant, invalidField } from '@gapless/shared/http';
import { RangeSet } from '@gapless/shared/interval';
import { removeInput } from '@gapless/shared/protocol';
import { z } from 'zod';
import type { ControlPort } from '../port.js';
import { selectionFields, selectionOf } from '../selection.js';
import { shownRange } from '../values.js';

export const removeReply = z.object({
  segments: z.int().describe('How many were removed'),
  bytes: z.int(),
  unreceipted: z.int().describe('How many of them central does not have: they are lost'),
  ranges: z.array(z.object({ from: instant, to: instant })).describe('What they covered'),
});

export type RemoveReply = z.infer<typeof removeReply>;

export function removeRoutes(routes: Routes, port: ControlPort): void {
  routes.post(
    '/remove',
    {
      schema: {
        summary: 'Remove footage from the vehicle',
        description: 'Closed segments that overlap the range go as a whole, each leaving a tombstone.',
        body: selectionFields.extend(removeInput.omit({ selection: true }).shape),
        response: { 200: removeReply },
      },
    },
    async ({ body }) => {
      const { force, dryRun } = body;
      if (body.lens !== undefined && body.to === undefined)
        throw invalidField('body', '/to', 'what removes a range of a lens says where it ends');
      const selection = selectionOf(port, body, 'body');
      const { removed, removedBytes, unreceipted } = await port.remove({ selection, force, dryRun });
      return {
        ...{ segments: removed.length, bytes: removedBytes, unreceipted },
        ranges: [...RangeSet.from(removed)].map(shownRange),
      };
    },
  );
}
