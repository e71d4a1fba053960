import { AppError } from '../errors/index.js';
import type { EpochMs } from '../time/index.js';
import { compactUtc, parseCompactUtc } from '../time/index.js';
import type { LensName } from './names.js';
import { parseLensName, quote } from './names.js';
import type { Random } from './random.js';
import { hex } from './random.js';

declare const brand: unique symbol;

/**
 * Names a run within its lens: its wall-clock start as the box believed it, and six random hex digits, so that run
 * ids sort by time and two boots that both believe it is 1970 cannot collide: `20260822T165728123Z-3fa9c1`.
 */
export type RunId = string & { readonly [brand]: 'RunId' };

/** Names a segment fleet-wide below its vehicle: `front/20260822T165728123Z-3fa9c1/000012`. */
export type SegmentId = string & { readonly [brand]: 'SegmentId' };

/** A segment's identity in parts. `seq` counts the segments of a run from 0 without holes. */
export interface SegmentRef {
  readonly lens: LensName;
  readonly run: RunId;
  readonly seq: number;
}

/** One run never has more segments than six digits count: at 10 s each that is 115 days. */
export const MAX_SEQ = 999_999;

export function newRunId(startMs: EpochMs, random: Random): RunId {
  return `${compactUtc(startMs)}-${hex(random.bytes(3))}` as RunId;
}

export function isRunId(value: unknown): value is RunId {
  return (
    typeof value === 'string' &&
    /^\d{8}T\d{9}Z-[0-9a-f]{6}$/.test(value) &&
    parseCompactUtc(value.slice(0, 19)) !== undefined
  );
}

export function parseRunId(value: unknown): RunId {
  if (!isRunId(value)) throw new AppError('ARGUMENT_INVALID', `not a run id: ${quote(value)}`);
  return value;
}

export function segmentId(ref: SegmentRef): SegmentId {
  return `${ref.lens}/${ref.run}/${String(ref.seq).padStart(6, '0')}` as SegmentId;
}

export function parseSegmentId(value: unknown): SegmentRef {
  const parts = typeof value === 'string' ? value.split('/') : [];
  const [lens, run, seq] = parts;
  if (parts.length !== 3 || !/^\d{6}$/.test(seq ?? ''))
    throw new AppError('ARGUMENT_INVALID', `not a segment id: ${quote(value)}`);
  return { lens: parseLensName(lens), run: parseRunId(run), seq: Number(seq) };
}
