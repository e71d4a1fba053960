import { AppError, toAppError } from '@gapless/shared/errors';
import { isName, parseLensName, parseVehicleId } from '@gapless/shared/ids';
import type { Range } from '@gapless/shared/interval';
import { formatUtc, parseTime } from '@gapless/shared/time';
import type { DurationMs, EpochMs } from '@gapless/shared/time';
import { DAY_MS } from '@gapless/shared/time';
import { z } from 'zod';
import type { Lens } from '../store/index.js';
import { sources, stateReasons, timelineStates } from '../timeline/index.js';
import type { TimelineRun } from '../timeline/index.js';
import type { ApiPort } from './port.js';
import type { FieldError } from './problem.js';
import { invalidField } from './problem.js';

/** Values that several routes share. */

export const instant = z.iso
  .datetime()
  .describe('RFC 3339, UTC, milliseconds')
  .meta({ example: '2026-11-20T13:22:07.000Z' });

/** As people and programs write times in a query; see {@link parseTime}. */
const timeText = z.string().min(1).max(64);

export const window = z.object({
  from: timeText
    .optional()
    .describe('Start: RFC 3339, epoch seconds or milliseconds, or relative like -45m')
    .meta({ example: '-1h' }),
  to: timeText.optional().describe('End, exclusive; by default now').meta({ example: 'now' }),
});

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

/** The longest window that one question may span. */
const MAX_WINDOW_MS: DurationMs = 400 * DAY_MS;

/** A range as a caller wrote it, and where, so that an error points there. */
export interface TypedRange {
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly in: FieldError['in'];
  /** JSON pointer to what holds `from` and `to`; empty for a query. */
  readonly pointer: string;
}

/**
 * The window that a query asks for; without `to` it ends now, without `from` it lasts `defaultMs`.
 *
 * @throws ARGUMENT_INVALID, pointing to the parameter, when it is empty, reversed, too long or not a time
 */
export function windowOf(port: ApiPort, query: z.infer<typeof window>, defaultMs: DurationMs): Range {
  return rangeOf(port, { from: query.from, to: query.to, in: 'query', pointer: '' }, defaultMs);
}

/** As {@link windowOf}, for a range that stands anywhere in a request. */
export function rangeOf(port: ApiPort, typed: TypedRange, defaultMs: DurationMs): Range {
  const nowMs = port.clock.nowMs();
  const read = (text: string, name: string): EpochMs => {
    try {
      return parseTime(text, { nowMs, timeZone: port.timeZone });
    } catch (thrown) {
      throw invalidField(typed.in, `${typed.pointer}/${name}`, toAppError(thrown));
    }
  };
  const endMs = typed.to === undefined ? nowMs : read(typed.to, 'to');
  const startMs = typed.from === undefined ? endMs - defaultMs : read(typed.from, 'from');
  if (startMs >= endMs) {
    throw invalidField(
      typed.in,
      `${typed.pointer}/from`,
      `${formatUtc(startMs)} must be before to (${formatUtc(endMs)})`,
    );
  }
  if (endMs - startMs > MAX_WINDOW_MS)
    throw invalidField(typed.in, `${typed.pointer}/from`, 'a window spans at most 400 days');
  return { startMs, endMs };
}

/** The lens that a path names; throws LENS_UNKNOWN. */
export function lensOf(port: ApiPort, params: z.infer<typeof lensParams>): Lens {
  const lens = port.store.read.lenses.byPath(parseVehicleId(params.vehicle), parseLensName(params.lens));
  if (lens) return lens;
  throw new AppError('LENS_UNKNOWN', `there is no lens ${params.vehicle}/${params.lens}`);
}
