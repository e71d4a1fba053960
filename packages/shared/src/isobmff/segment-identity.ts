import type { LensName, RunId, VehicleId } from '../ids/index.js';
import { MAX_SEQ, parseLensName, parseRunId, parseVehicleId } from '../ids/index.js';
import { MAX_EPOCH_MS, MIN_EPOCH_MS } from '../time/index.js';
import type { Box } from './box.js';
import type { SegmentClock } from './segment-clock.js';
import { MAX_PPM } from './segment-clock.js';
import type { UuidBoxType } from './uuid-box.js';
import { isUuidBox, readUuidBox, writeUuidBox } from './uuid-box.js';

/**
 * What a segment file says it is, in a `uuid` box behind the init segment. It is written when the file is begun, so
 * that even a file torn by a power cut can say whose it is.
 */
export interface SegmentIdentity extends SegmentClock {
  readonly vehicle: VehicleId;
  readonly lens: LensName;
  readonly run: RunId;
  /** The segment's place in its run, from 0. */
  readonly seq: number;
  /** Number of the first fragment. */
  readonly firstFragment: number;
  /** The boot in which it was recorded, as the kernel names it: letters, digits and hyphens. */
  readonly bootId: string;
  /** The boot's monotonic clock at `startMs`, by which the segment can be timed anew. */
  readonly monotonicMs: number;
  /** Whether the box knew the time when it wrote `startMs`. */
  readonly clock: 'trusted' | 'untrusted';
}

const IDENTITY: UuidBoxType = {
  name: 'segment identity',
  userType: 'cfa0ad8c36f540f0a5e0b7f19efe39f6',
  version: 1,
};

export function isIdentityBox(box: Pick<Box, 'userType'>): boolean {
  return isUuidBox(box, IDENTITY);
}

/** The box that says `identity`; the same identity always gives the same bytes. */
export function identityBox(identity: SegmentIdentity): Uint8Array {
  return writeUuidBox(IDENTITY, {
    vehicle: identity.vehicle,
    lens: identity.lens,
    run: identity.run,
    seq: identity.seq,
    firstFragment: identity.firstFragment,
    startMs: identity.startMs,
    startTicks: identity.startTicks,
    timescale: identity.timescale,
    ppm: identity.ppm,
    bootId: identity.bootId,
    monotonicMs: identity.monotonicMs,
    clock: identity.clock,
  });
}

/**
 * Reads an identity box.
 *
 * @throws MP4_INVALID for a member that is missing or malformed, MP4_UNSUPPORTED for another version
 */
export function parseIdentityBox(box: Box): SegmentIdentity {
  const fields = readUuidBox(IDENTITY, box);
  return {
    vehicle: fields.parsed('vehicle', parseVehicleId),
    lens: fields.parsed('lens', parseLensName),
    run: fields.parsed('run', parseRunId),
    seq: fields.integer('seq', 0, MAX_SEQ),
    firstFragment: fields.integer('firstFragment', 0, 2 ** 32 - 1),
    startMs: fields.integer('startMs', MIN_EPOCH_MS, MAX_EPOCH_MS),
    startTicks: fields.integer('startTicks', 0, Number.MAX_SAFE_INTEGER),
    timescale: fields.integer('timescale', 1, 2 ** 32 - 1),
    ppm: fields.integer('ppm', -MAX_PPM, MAX_PPM),
    bootId: fields.text('bootId', /^[A-Za-z0-9-]{1,64}$/),
    monotonicMs: fields.integer('monotonicMs', 0, Number.MAX_SAFE_INTEGER),
    clock: fields.text('clock', /^(un)?trusted$/) as 'trusted' | 'untrusted',
  };
}
