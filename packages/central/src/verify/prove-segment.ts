import { createPublicKey, verify } from 'node:crypto';
import { AppError } from '@gapless/shared/errors';
import type { DiskFile } from '@gapless/shared/fs';
import type { SegmentRef, VehicleId } from '@gapless/shared/ids';
import type { Range } from '@gapless/shared/interval';
import { RangeSet } from '@gapless/shared/interval';
import type { FragmentEntry, SegmentIdentity, SegmentLayout } from '@gapless/shared/isobmff';
import { coverageOf, primaryTrack, readSegmentSamples, sealedBytes, wallMs } from '@gapless/shared/isobmff';
import { MAX_SEGMENT_MS } from '@gapless/shared/protocol';
import type { EpochMs } from '@gapless/shared/time';
import { isEpochMs } from '@gapless/shared/time';

/** What the file must be. */
export interface Expectation extends SegmentRef {
  readonly vehicle: VehicleId;
  readonly sizeBytes: number;
  /** Hex. */
  readonly sha256: string;
  /** The vehicle's evidence key, SPKI DER. */
  readonly evidenceKey: Uint8Array;
}

/** What a file proves by its own bytes. */
export interface Proof {
  readonly identity: SegmentIdentity;
  readonly fragments: readonly FragmentEntry[];
  readonly startMs: EpochMs;
  readonly endMs: EpochMs;
  /** The instants for which it has a picture. */
  readonly coverage: RangeSet;
}

/**
 * Proves that a file is the segment that the vehicle's catalogue speaks of: same length and hash, readable to its end,
 * and inside it the same identity, under a seal that the vehicle's evidence key signed. Coverage comes from its
 * samples and from nothing else.
 *
 * @param sha256 hash of the file's content
 * @throws VERIFY_* (data-loss) naming what does not agree
 */
export async function proveSegment(file: DiskFile, sha256: string, expected: Expectation): Promise<Proof> {
  const sizeBytes = await file.sizeBytes();
  if (sizeBytes !== expected.sizeBytes) {
    throw new AppError(
      'VERIFY_SIZE_MISMATCH',
      `the file has ${sizeBytes} bytes, the vehicle's ${expected.sizeBytes}`,
    );
  }
  if (sha256 !== expected.sha256) {
    throw new AppError(
      'VERIFY_CHECKSUM_MISMATCH',
      `the file has SHA-256 ${sha256}, the vehicle's ${expected.sha256}`,
    );
  }
  const { layout, tables } = await readMedia(file, sizeBytes);
  const identity = requireIdentity(layout, expected);
  requireSeal(layout, identity, expected);
  const toMs = (ticks: number): EpochMs => wallMs(identity, ticks);
  const { startMs, endMs } = requireExtent(layout, toMs);
  const samples = tables[layout.init.tracks.indexOf(primaryTrack(layout.init))];
  const coverage = samples ? coverageOf(samples, { toMs }) : RangeSet.empty;
  return {
    identity,
    fragments: layout.fragments,
    startMs,
    endMs,
    coverage: coverage.within({ startMs, endMs }),
  };
}

async function readMedia(file: DiskFile, sizeBytes: number) {
  try {
    return await readSegmentSamples({
      sizeBytes,
      read: async (offset, length) => {
        const into = new Uint8Array(length);
        return into.subarray(0, await file.read(into, offset));
      },
    });
  } catch (thrown) {
    throw new AppError('VERIFY_UNREADABLE', 'the file is no fragmented MP4', { cause: thrown });
  }
}

function requireIdentity(layout: SegmentLayout, expected: Expectation): SegmentIdentity {
  const { identity, damage, jumps, fragments } = layout;
  if (!identity) throw new AppError('VERIFY_IDENTITY_MISMATCH', 'the file does not say which segment it is');
  for (const key of ['vehicle', 'lens', 'run', 'seq'] as const) {
    if (identity[key] === expected[key]) continue;
    throw new AppError(
      'VERIFY_IDENTITY_MISMATCH',
      `the file says ${key} ${identity[key]}, the vehicle's catalogue ${expected[key]}`,
    );
  }
  if (damage) throw new AppError('VERIFY_UNREADABLE', 'the file is damaged inside', { cause: damage });
  if (primaryTrack(layout.init).timescale !== identity.timescale)
    throw new AppError('VERIFY_IDENTITY_MISMATCH', 'the file counts time in other ticks than it says');
  if (fragments.length === 0 || jumps.length > 0)
    throw new AppError('VERIFY_UNREADABLE', 'fragments are missing in the file');
  return identity;
}

/**
 * A segment must lie in time as segments can: what is beyond would be looked up by nobody, or cover what it has no
 * pictures of.
 */
function requireExtent({ fragments }: SegmentLayout, toMs: (ticks: number) => EpochMs): Range {
  for (const [i, { startTicks }] of fragments.entries()) {
    if (i > 0 && startTicks < fragments[i - 1]!.startTicks)
      throw new AppError('VERIFY_UNREADABLE', 'the fragments of the file go back in time');
  }
  const last = fragments.at(-1)!;
  const startMs = toMs(fragments[0]!.startTicks);
  const endMs = Math.max(toMs(last.startTicks + last.durationTicks), startMs + 1);
  if (isEpochMs(startMs) && isEpochMs(endMs) && endMs - startMs <= MAX_SEGMENT_MS) return { startMs, endMs };
  throw new AppError('VERIFY_UNREADABLE', `the file covers ${endMs - startMs} ms, which no segment does`);
}

function requireSeal({ seal }: SegmentLayout, identity: SegmentIdentity, expected: Expectation): void {
  if (seal?.signature === undefined) throw new AppError('VERIFY_UNSIGNED', 'the file has no signed seal');
  const key = createPublicKey({ key: Buffer.from(expected.evidenceKey), format: 'der', type: 'spki' });
  if (verify(null, sealedBytes(identity, seal), key, Buffer.from(seal.signature, 'hex'))) return;
  throw new AppError('VERIFY_UNSIGNED', "the seal was not signed by the vehicle's evidence key");
}
