import { z } from 'zod';
import { MAX_SEGMENT_BYTES, MAX_SEGMENT_MS } from './limits.js';
import { epochMs, label, lensName, runId, segmentRef, sha256Hex, timeRange } from './values.js';

/**
 * The catalogue: the vehicle's statement of what it holds and what it no longer holds, told as changes. Every row has
 * the change sequence of its last change; a later change of the same row replaces the earlier one, so applying a
 * change twice, or skipping one that was superseded, ends in the same state.
 */

/** Why a run ended. `stopped` is the only one that was meant. */
export const runEndReasons = [
  'stopped',
  'crashed',
  'stalled',
  'codec-change',
  'invalid-media',
  'disk',
  'power-loss',
] as const;

/** Why nothing was recorded, in the words of the timeline. */
export const absenceReasons = ['off', 'no-signal', 'unexplained'] as const;

/** Why a vehicle no longer holds a segment. `removed` was asked for; `corrupt` failed its own hash. */
export const tombstoneReasons = ['evicted', 'removed', 'corrupt'] as const;

export type RunEndReason = (typeof runEndReasons)[number];
export type AbsenceReason = (typeof absenceReasons)[number];
export type TombstoneReason = (typeof tombstoneReasons)[number];

const bounded = z
  .object({ startMs: epochMs, endMs: epochMs })
  .refine((r) => r.startMs < r.endMs && r.endMs - r.startMs <= MAX_SEGMENT_MS, 'not the extent of a segment');

/** A closed segment that the vehicle holds. */
export const segmentRow = segmentRef
  .extend({
    /** Wall-clock extent of the samples by decode time; the next segment of the run starts where this one ends. */
    startMs: epochMs,
    endMs: epochMs,
    sizeBytes: z.int().min(1).max(MAX_SEGMENT_BYTES),
    /** Of the whole file. */
    sha256: sha256Hex,
    /** Number of the first fragment; the others follow without holes. */
    firstFragment: z.int().min(0),
    fragments: z.int().min(1).max(100_000),
    /** Stretches of the extent for which there is no picture, measured from the samples. */
    holes: z.array(timeRange).max(100).optional(),
  })
  .refine((row) => bounded.safeParse(row).success, 'not the extent of a segment');

export const runRow = z.object({
  lens: lensName,
  run: runId,
  startMs: epochMs,
  endMs: epochMs.optional(),
  endReason: z.enum(runEndReasons).optional(),
  /** RFC 6381 codec strings, video first. */
  codecs: z.array(label).max(8),
  width: z.int().min(0).max(65_535).optional(),
  height: z.int().min(0).max(65_535).optional(),
});

export const tombstoneRow = segmentRef
  .extend({
    startMs: epochMs,
    endMs: epochMs,
    sizeBytes: z.int().min(1).max(MAX_SEGMENT_BYTES),
    sha256: sha256Hex,
    deletedMs: epochMs,
    reason: z.enum(tombstoneReasons),
  })
  .refine((row) => bounded.safeParse(row).success, 'not the extent of a segment');

/** A stretch in which footage was not made although the lens exists. */
export const absenceRow = z
  .object({
    lens: lensName,
    startMs: epochMs,
    endMs: epochMs,
    reason: z.enum(absenceReasons),
    detail: label.optional(),
  })
  .refine((row) => row.startMs < row.endMs, 'a range must not be empty');

const seq = z.int().min(1);

export const change = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('run'), seq, row: runRow }),
  z.object({ kind: z.literal('segment'), seq, row: segmentRow }),
  z.object({ kind: z.literal('tombstone'), seq, row: tombstoneRow }),
  z.object({ kind: z.literal('absence'), seq, row: absenceRow }),
]);

export type SegmentRow = z.infer<typeof segmentRow>;
export type RunRow = z.infer<typeof runRow>;
export type TombstoneRow = z.infer<typeof tombstoneRow>;
export type AbsenceRow = z.infer<typeof absenceRow>;
export type Change = z.infer<typeof change>;
