import { AppError } from '@gapless/shared/errors';
import { instant } from '@gapless/shared/http';
import { isName, parseLensName, parseVehicleId } from '@gapless/shared/ids';
import { formatUtc } from '@gapless/shared/time';
import { z } from 'zod';
import type { Lens } from '../store/index.js';
import { sources, stateReasons, timelineStates } from '../timeline/index.js';
import type { TimelineRun } from '../timeline/index.js';
import type { ApiPort } from './port.js';

/** Values that several routes share. */

/** What a signed link carries in place of a token. */
export const signature = z.object({
  expires: z
    .string()
    .regex(/^\d{1,15}$/)
    .optional()
    .describe('Of a signed link: when it ends, epoch milliseconds'),
  signature: z.string().max(100).optional().describe('Of a signed link'),
});

const name = z.string().refine(isName, 'not a name');
export const vehicleParams = z.object({ vehicle: name.meta({ example: 'bus-042' }) });
export const lensParams = vehicleParams.extend({ lens: name.meta({ example: 'front' }) });

export const timelineRun = z
  .object({
    from: instant,
    to: instant,
    state: z.enum(timelineStates),
    reason: z.enum(stateReasons).optional(),
    source: z.enum(sources).optional().describe('How verified footage came: live, or completed later'),
  })
  .meta({ id: 'TimelineRun' });

export function showRun({ startMs, endMs, state, reason, source }: TimelineRun): z.infer<typeof timelineRun> {
  return {
    from: formatUtc(startMs),
    to: formatUtc(endMs),
    state,
    ...(reason === undefined ? {} : { reason }),
    ...(source === undefined ? {} : { source }),
  };
}

/** The lens that a path names; throws LENS_UNKNOWN. */
export function lensOf(port: ApiPort, params: z.infer<typeof lensParams>): Lens {
  const lens = port.store.read.lenses.byPath(parseVehicleId(params.vehicle), parseLensName(params.lens));
  if (lens) return lens;
  throw new AppError('LENS_UNKNOWN', `there is no lens ${params.vehicle}/${params.lens}`);
}
